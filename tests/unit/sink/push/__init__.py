"""Tests of mfwb.sink.push."""
