"""Tests of mfwb.sink.online.session."""
