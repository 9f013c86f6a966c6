"""Quantities, durations, moments and whole numbers, read and written for people."""
