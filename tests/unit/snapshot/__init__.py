"""Tests of mfwb.snapshot."""
