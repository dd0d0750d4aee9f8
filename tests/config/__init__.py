"""Addresses, errors, settings, pages and the OpenAPI file."""
