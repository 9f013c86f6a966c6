"""Lineage, shown."""
