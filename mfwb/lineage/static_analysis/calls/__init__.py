"""Calls, attributes and elements of values."""
