"""Keeps the lines of the ledger equal to what the data and the factors give.

Files, HTTP and pages are not known here; each of them calls these functions.
"""
