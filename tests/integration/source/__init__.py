"""Contracts with Metaflow."""
