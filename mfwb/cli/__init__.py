"""The front door: nothing here imports more than click before a command runs."""

from mfwb.cli.front_door import main

__all__ = ["main"]
