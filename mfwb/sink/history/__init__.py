"""Rows of W&B runs' histories: read back, and appended where some are missing."""
