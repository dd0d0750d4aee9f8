"""Factors, consumption and figures, through HTTP and commands first."""
