"""Explanations and totals, and published inventories computed again."""
