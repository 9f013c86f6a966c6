"""Tests of mfwb.sink.setup."""
