"""What happens when things break: a PostgreSQL that is stopped, paused and started under requests.

Each has a server and a service of its own; no test database is used.
"""
