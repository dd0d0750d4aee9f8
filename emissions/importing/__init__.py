"""Consumption and emission factors from files: which row is which, what is wrong, what is written.

How a file is read is in `organizations.importing`; how a figure is computed, in `ledger`.
"""
