"""Bulk writes and other SQL of our own."""
