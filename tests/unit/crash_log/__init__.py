"""The log of a bug, part by part."""
