"""Tests of mfwb.ledger."""
