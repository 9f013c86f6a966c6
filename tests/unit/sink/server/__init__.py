"""Tests of mfwb.sink.server."""
