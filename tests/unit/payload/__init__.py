"""Tests of mfwb.payload."""
