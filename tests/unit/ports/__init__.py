"""Tests of mfwb.ports."""
