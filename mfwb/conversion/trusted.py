"""Loading a pickle as `pickle` itself does, which runs whatever it says.

Only `--unpickle trusted` asks for it, and only a process that does nothing else does it.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

__all__ = ["load_trusted", "prepare_to_trust"]


def prepare_to_trust() -> None:
    """Set up this process for what it is about to load."""
    os.environ["MPLBACKEND"] = "Agg"  # a pickled figure may bring up a window otherwise


def load_trusted(path: Path) -> Any:
    """Return the pickled value; any error, or none for ever, as the pickle has it."""
    with path.open("rb") as file:
        return pickle.load(file)
