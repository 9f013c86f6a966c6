"""Tests of mfwb.pickles.standins."""
