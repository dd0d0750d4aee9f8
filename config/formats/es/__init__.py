"""Spanish: days first, and a point between thousands, as bills have it."""
