"""Tests of mfwb.report.result."""
