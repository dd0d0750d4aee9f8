"""The figures of any period: what the page asks, shows, leads to and gives as a file."""
