"""Answers from the ledger: breakdowns, explanations, what is missing. Nothing here writes."""
