"""Say whether the aliases of a flow run lead to what Metaflow's client gives.

python latest_probe.py ROOT PROJECT PATHSPEC...: a program, since Metaflow's client is one for a
process. Prints for each pathspec the names that W&B has, and what is wrong.
"""

from __future__ import annotations

import json
import pathlib
import pickle
import sys
import tempfile
from typing import Any

import metaflow
import numpy as np
import pandas as pd
import wandb


def main() -> None:
    """Print a JSON object: pathspec -> [names, complaints]."""
    root, project, *pathspecs = sys.argv[1:]
    metaflow.metadata(f"local@{root}")
    metaflow.namespace(None)
    api = wandb.Api()
    newest = max(pathspecs, key=lambda pathspec: int(pathspec.split("/")[1]))
    answer = {}
    for pathspec in pathspecs:
        run = metaflow.Run(pathspec)
        aliases = [f"run-{run.id}", *(["latest"] if pathspec == newest else [])]
        names = [item.id for item in run.end_task if api.artifact_exists(f"{project}/{item.id}:v0")]
        complaints = [
            complaint
            for name in names
            for alias in aliases
            for complaint in _compare(
                api.artifact(f"{project}/{name}:{alias}"), run[run.end_task.parent.id].task[name]
            )
        ]
        answer[pathspec] = [sorted(names), complaints]
    sys.stdout.write(json.dumps(answer))


def _compare(artifact: Any, stored: Any) -> list[str]:
    """Return complaints about a version that should have what a task stored."""
    with tempfile.TemporaryDirectory() as folder:
        artifact.download(folder)
        files = [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]
        if [path.relative_to(folder).parent for path in files] != [pathlib.Path()]:
            return [f"{artifact.name}: files {sorted(map(str, files))}"]
        [path] = files
        if path.suffix == ".pkl":
            loaded = pickle.loads(path.read_bytes())
        elif path.suffix == ".parquet":
            loaded = pd.read_parquet(path)
        else:
            loaded = np.load(path)
    code = "\n".join(
        line.removeprefix("    ")
        for line in artifact.description.splitlines()
        if line.startswith("    ")
    )
    known = {"artifact": artifact, "pickle": pickle, "pathlib": pathlib, "pandas": pd}
    exec(code, known)  # noqa: S102 - of our own description, which people paste
    described = known[stored.id]
    return [
        f"{artifact.name}: {way} {value!r}, Metaflow {stored.data!r}"
        for way, value in (("file", loaded), ("description", described))
        if not _is_equal(value, stored.data)
    ]


def _is_equal(value: Any, other: Any) -> bool:
    if isinstance(other, pd.DataFrame):
        return bool(value.equals(other))
    return pickle.dumps(value) == pickle.dumps(other)


main()
