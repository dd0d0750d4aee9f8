"""How values of one kind are shown and typed: masses, mappings."""
