"""Flows whose values are compared."""
