"""Emission factors, consumption, and the ledger of what consumption emits.

Inside, imports go `admin, views, commands → importing, reports → ledger → models → calculation`.
"""
