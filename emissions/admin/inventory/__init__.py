"""The inventory of a year: its page, made to be printed, and what its tables lead to."""
