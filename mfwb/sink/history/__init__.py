"""Rows of W&B runs' histories: read back, and put where some are missing."""
