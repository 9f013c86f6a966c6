"""The version of mfwb."""

__version__ = "0.1.0"
