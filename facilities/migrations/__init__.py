"""Schema and data of facilities and supply points, step by step."""
