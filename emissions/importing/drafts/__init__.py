"""Files that somebody looks at before they are stored: kept, tried out, stored once."""
