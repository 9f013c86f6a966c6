"""Tests of mfwb.sink.client."""
