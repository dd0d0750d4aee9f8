"""Bringing a file or pasted cells in, in the admin: look at it, mend it, store it.

The engine is the one of all imports; here is only what a page needs besides.
"""
