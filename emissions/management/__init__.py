"""Commands that operators run. Each parses its options and calls the app's own functions."""
