"""The admin's pages through Django's test client; what needs a browser is in `tests.browser`."""
