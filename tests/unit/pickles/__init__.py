"""Tests of mfwb.pickles."""
