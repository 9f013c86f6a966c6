"""Tests of mfwb.sink.history."""
