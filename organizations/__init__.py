"""Tenants, their members and keys, and the base that every tenant's resource is built on.

Nothing here knows facilities, consumption or emission factors.
"""
