"""Whole flow runs and bundles that were made to do harm, and the proof that they do none."""
