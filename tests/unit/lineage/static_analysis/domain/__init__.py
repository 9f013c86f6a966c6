"""Tests of mfwb.lineage.static_analysis.domain."""
