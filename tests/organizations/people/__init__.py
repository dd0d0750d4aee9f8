"""Invitations, members, passwords and the second factor."""
