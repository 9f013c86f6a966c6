"""Tests of mfwb.units."""
