"""Tests of mfwb.lineage."""
