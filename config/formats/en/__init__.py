"""English: ISO dates."""
