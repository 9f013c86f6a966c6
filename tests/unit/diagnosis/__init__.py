"""Checks of `mfwb doctor`."""
