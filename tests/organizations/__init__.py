"""Tenants, keys and what every tenant's resource shares."""
