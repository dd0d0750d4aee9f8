"""Layouts: how the columns of somebody else’s file become ours. What one of ours means is for
the importers to say.
"""
