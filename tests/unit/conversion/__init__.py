"""Tests of mfwb.conversion."""
