"""Template tags of the ledger's pages: words for what the ledger stores as codes."""
