"""Tests of mfwb.sink.content.run_content."""
