"""Keys, tokens, roles and lock-outs."""
