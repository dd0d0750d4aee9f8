"""Schema and data of organizations, members and keys, step by step."""
