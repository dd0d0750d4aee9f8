"""Template tags for any page: numbers as people read them."""
