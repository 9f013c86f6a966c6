"""The version of mfwb."""

__version__ = "0.2.0"
