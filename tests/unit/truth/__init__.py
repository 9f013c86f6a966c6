"""Tests of what the tests compare with."""
