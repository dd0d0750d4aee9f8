"""Tests, laid out as the apps are. `conftest.py` has the cast, `test_rules.py` the house rules."""
