"""A year as evidence: lines, factors and totals as CSV, with a program that checks them alone."""
