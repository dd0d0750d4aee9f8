"""Files of facilities, by the command."""
