"""What one would write without mfwb: Metaflow's client, the W&B SDK, one W&B run per task.

Straightforward, and not slowed down on purpose: it is quiet, and W&B does not look for git.
"""

from __future__ import annotations

import pickle
import sys
from typing import Any

import pandas as pd
import wandb
from metaflow import Run, namespace

BASE_TYPES = (dict, list, set, str, int, float, bool, type(None))


def replay(pathspec: str) -> None:
    """Write each task of a flow run as an offline W&B run."""
    namespace(None)
    flow_run = Run(pathspec)
    parameters = {artifact.id: artifact.data for artifact in flow_run["_parameters"].task}
    for step in flow_run:
        for task in step:
            with wandb.init(
                project=pathspec.split("/", maxsplit=1)[0],
                group=pathspec,
                job_type=step.id,
                name=task.pathspec,
                config=parameters,
                mode="offline",
                settings=wandb.Settings(console="off", silent=True, disable_git=True),
            ) as wandb_run:
                for artifact in task:
                    if artifact.id not in parameters:
                        log(wandb_run, artifact.id, artifact.data)


def log(wandb_run: wandb.Run, name: str, value: Any) -> None:
    """Put one value where the decorator for flows would put it."""
    if isinstance(value, BASE_TYPES):
        wandb_run.summary[name] = value
        return
    is_frame = isinstance(value, pd.DataFrame)
    artifact = wandb.Artifact(name, type="dataset" if is_frame else "other")
    with artifact.new_file(name + (".parquet" if is_frame else ".pkl"), mode="wb") as file:
        if is_frame:
            value.to_parquet(file)
        else:
            pickle.dump(value, file)
    wandb_run.log_artifact(artifact)


if __name__ == "__main__":
    replay(sys.argv[1])
