"""Tests of mfwb.source."""
