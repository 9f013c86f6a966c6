"""Tests of mfwb.redaction."""
