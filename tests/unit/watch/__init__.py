"""Tests of mfwb.files."""
