"""Fixtures shared by all floors of the tests."""
