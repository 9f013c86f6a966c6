"""Verification: W&B read back, and the command."""
