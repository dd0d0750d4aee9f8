"""Runs the service beside its rivals and prints ratios. Nothing of the service imports this."""
