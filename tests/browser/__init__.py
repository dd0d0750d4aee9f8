"""The admin's pages in a real chromium."""
