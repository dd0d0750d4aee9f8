"""What the ledger stores after bills, factors and facilities have changed."""
