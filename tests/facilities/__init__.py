"""Facilities and supply points, through HTTP and commands first."""
