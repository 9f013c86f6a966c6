"""Pickles -> tables, images, JSON and plain values, in processes of their own."""
