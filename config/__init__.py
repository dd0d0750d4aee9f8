"""Settings, addresses and the one shape of every answer. It knows every app; no app knows it."""
