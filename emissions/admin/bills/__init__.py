"""A bill at its form: its figure while it is typed, what is said of it, and the bill after it."""
