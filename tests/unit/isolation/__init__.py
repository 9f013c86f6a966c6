"""Tests of mfwb.isolation."""
