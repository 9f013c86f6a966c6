"""Setup of W&B's SDK before its first use."""
