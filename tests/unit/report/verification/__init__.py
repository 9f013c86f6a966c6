"""A verification, as people and programs are shown it."""
