"""Tests of mfwb.planning."""
