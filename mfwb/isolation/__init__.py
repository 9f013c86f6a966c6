"""Separate processes for pickles of unknown origin, and the limits on what they may do."""
