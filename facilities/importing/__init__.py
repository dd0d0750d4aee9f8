"""Facilities from a file. How files are read is in `organizations.importing`."""
