"""Files that are too much for a request: they wait in the database until the worker has them."""
