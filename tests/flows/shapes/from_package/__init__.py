"""A flow whose steps and helpers are in several files."""
