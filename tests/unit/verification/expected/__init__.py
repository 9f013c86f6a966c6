"""Unit tests of what W&B should have."""
