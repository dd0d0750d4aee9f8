"""What is recorded of an organization, that none of it can be changed, and that it would show."""
