"""Loading of trusted pickles with `pickle` itself, which runs any code in them.

This happens only with `--unpickle trusted`, and only in a process that does nothing else.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

__all__ = ["load_trusted", "prepare_to_trust"]


def prepare_to_trust() -> None:
    """Prepare this process for trusted pickles."""
    os.environ["MPLBACKEND"] = "Agg"  # otherwise a pickled figure may open a window


def load_trusted(path: Path) -> Any:
    """Return the pickled value; the pickle may raise any error, or never finish."""
    with path.open("rb") as file:
        return pickle.load(file)
