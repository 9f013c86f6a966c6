"""Print how W&B's SDK and mfwb read the settings files and variables of some folders.

Reads a JSON list of cases from stdin: folder, and variables. Prints a list of pairs.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

import wandb

from mfwb.destination import read_defaults


def of_wandb() -> dict[str, Any]:
    """Return the settings that W&B reads."""
    wandb.teardown()
    settings = wandb.setup().settings
    return {
        "mode": settings.mode,
        "base_url": settings.base_url,
        "entity": settings.entity,
        "project": settings.project,
    }


def main() -> None:
    """Print both for each case."""
    environ = dict(os.environ)
    result = []
    for folder, variables in json.load(sys.stdin):
        os.environ.clear()
        os.environ.update({**environ, **variables})
        os.chdir(folder)
        result.append([of_wandb(), asdict(read_defaults())])
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
