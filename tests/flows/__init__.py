"""Flows that tests really run. They are programs of their own, started by file."""
