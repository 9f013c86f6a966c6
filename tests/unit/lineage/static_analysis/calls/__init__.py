"""Tests of mfwb.lineage.static_analysis.calls."""
