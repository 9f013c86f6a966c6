"""Tests of mfwb.pipeline."""
