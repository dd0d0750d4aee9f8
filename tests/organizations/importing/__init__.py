"""How files and cells are read, whatever the rows mean."""
