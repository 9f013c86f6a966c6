"""Tests of mfwb.cli.commands."""
