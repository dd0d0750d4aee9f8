"""Facilities (sites) and their supply points. What they emit is not known here."""
