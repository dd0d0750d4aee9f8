"""How dates and numbers are written on the admin's pages, by language."""
