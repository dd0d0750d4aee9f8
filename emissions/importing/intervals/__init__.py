"""Interval data of meters: local clocks, readings in order, and the bills that they add up to."""
