"""Flows of every shape, small and quick: their tasks record the truth that mfwb is held against."""
