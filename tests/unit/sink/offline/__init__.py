"""Tests of mfwb.sink.offline.session."""
