"""Django's backend for PostgreSQL, where nobody waits for ever: its connections and their pool."""
