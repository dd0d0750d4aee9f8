"""The formula, the choice of the factor, units: pure functions and their properties."""
