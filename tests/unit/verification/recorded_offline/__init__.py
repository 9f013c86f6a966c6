"""A bundle, read back."""
