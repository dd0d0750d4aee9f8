"""Files of consumption and of factors, by the commands."""
