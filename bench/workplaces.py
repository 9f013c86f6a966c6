"""Where the bench keeps its things, and the environment that keeps programs inside."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BUILD", "SCALE", "Workplace", "console_script", "metaflow_environment"]

BUILD = Path(__file__).resolve().parent.parent / "build" / "bench"
SCALE = BUILD.parent / "scale"
"""The same for flow runs of thousands of tasks."""

_OTHERS = ("WANDB_", "METAFLOW_", "MFWB_", "PYTHON")  # the last: some keep it from caching bytecode
_DEAD_END = "http://127.0.0.1:9"


def console_script(name: str) -> str:
    """Return the path of a program that is installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def metaflow_environment(build: Path) -> dict[str, str]:
    """Return the environment of this process, moved into a folder; the network is a dead end."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_OTHERS)}
    home = build / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {
        **kept,
        "HOME": str(home),
        "NETRC": str(home / "netrc"),
        "HTTP_PROXY": _DEAD_END,
        "HTTPS_PROXY": _DEAD_END,
        "NO_PROXY": "127.0.0.1,localhost",
        "METAFLOW_HOME": str(home / "metaflowconfig"),
        "METAFLOW_USER": "bench",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(build),
    }


@dataclass(frozen=True, slots=True)
class Workplace:
    """A folder in which one program works; what it leaves behind is what it takes on disk."""

    root: Path
    environment: Mapping[str, str]

    @classmethod
    def make(cls, build: Path, name: str) -> Workplace:
        """Return a workplace with nothing in it but the current folder."""
        root = build / "work" / name
        (root / "out").mkdir(parents=True)
        ours = {
            "MFWB_STATE_DIR": "state",
            "WANDB_DIR": "out",
            "WANDB_DATA_DIR": "wandb-data",
            "WANDB_CACHE_DIR": "wandb-cache",
            "WANDB_CONFIG_DIR": "wandb-config",
        }
        environment = {
            **metaflow_environment(build),
            **{name: str(root / folder) for name, folder in ours.items()},
            "WANDB_ERROR_REPORTING": "false",
        }
        return cls(root, environment)

    @property
    def out(self) -> Path:
        """The current folder of the program."""
        return self.root / "out"
