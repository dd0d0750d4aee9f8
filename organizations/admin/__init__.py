"""The admin's pages of people and their access, of imports and of the audit."""

from organizations.admin import keys, people, records

__all__ = ["keys", "people", "records"]
