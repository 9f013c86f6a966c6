"""Pickles that were made to do harm."""
