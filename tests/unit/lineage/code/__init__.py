"""Tests of mfwb.lineage.code."""
