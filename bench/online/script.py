"""What one would write without mfwb: W&B's SDK, one W&B run after the other, in their order.

Straightforward, and not slowed down on purpose: it is quiet, and W&B does not look for git. A step
uses the artifact object that the step before it logged, so that none is looked up.
"""

from __future__ import annotations

import json
import pickle
import sys
import time
from typing import Any

import wandb
from metaflow import Run, Step, namespace


def replay(pathspec: str) -> None:
    """Write each step of a flow run as a W&B run."""
    namespace(None)
    used: wandb.Artifact | None = None
    steps: list[Step] = sorted(Run(pathspec), key=lambda step: int(step.task.id))
    for step in steps:
        data = step.task.data
        with wandb.init(
            entity="acme",
            project="script",
            group=pathspec,
            job_type=step.id,
            name=step.pathspec,
            config={"user": "bench"},
            settings=wandb.Settings(console="off", silent=True, disable_git=True),
        ) as wandb_run:
            if used is not None:
                wandb_run.use_artifact(used)
            for loss in data.loss:
                wandb_run.log({"loss": loss})
            wandb_run.write_logs(step.task.stdout)
            wandb_run.summary.update({"score": data.score, "note": data.note})
            used = log(wandb_run, "state", data.state)


def log(wandb_run: wandb.Run, name: str, value: Any) -> wandb.Artifact:
    """Log a value as an artifact of one file, and wait for its version."""
    artifact = wandb.Artifact(name, type="other")
    with artifact.new_file(f"{name}.pkl", mode="wb") as file:
        pickle.dump(value, file)
    return wandb_run.log_artifact(artifact).wait()


if __name__ == "__main__":
    began = time.monotonic()
    for each in sys.argv[1:]:
        replay(each)
    print(json.dumps({"totals": {"seconds": time.monotonic() - began}}))
