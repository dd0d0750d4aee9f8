"""Schema and data of factors, consumption and the ledger, step by step."""
