"""A machine that changes everything through HTTP, and a plain model that says what must come."""
