"""Reading what `--json` prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.sandbox import Finished
from tests.support.wandb_server import ArtifactVersion, RunSnapshot, WandbServer


@dataclass(frozen=True)
class Synced:
    """A flow run that was synced to the stand-in, and what is there now."""

    pathspec: str
    project: str
    finished: Finished
    server: WandbServer

    def run(self, name: str) -> RunSnapshot:
        """Return the W&B run of `train` or `train/4`."""
        run_id = run_id_of(self.finished.document, f"{self.pathspec}/{name}")
        return self.server.state.run(f"acme/{self.project}/{run_id}")

    @property
    def losses(self) -> list[dict[str, str]]:
        """Return the losses of all W&B runs."""
        return losses_of(self.finished.document)

    def artifact(self, name: str) -> ArtifactVersion:
        """Return the version of `model:v0` or `model:latest`."""
        return self.server.state.artifact(f"acme/{self.project}/{name}")


def metadata_of(root: Path) -> str:
    """Return the --metadata that reads the flow runs below a folder."""
    return f"local@{root}"


def wandb_run(document: Any, name: str) -> dict[str, Any]:
    """Return the W&B run of that name."""
    [result] = [
        run
        for flow_run in document["flow_runs"]
        for run in flow_run["wandb_runs"]
        if run["name"] == name
    ]
    return dict(result)


def run_id_of(document: Any, name: str) -> str:
    """Return the id of the W&B run of that name."""
    return str(wandb_run(document, name)["id"])


def edges_of(document: Any) -> set[tuple[str, str, str]]:
    """Return (consumer, artifact, producer), the last parts of their names."""
    return {
        (run["name"].split("/", 2)[2], used["name"], used["producer"].split("/", 2)[2])
        for flow_run in document["flow_runs"]
        for run in flow_run["wandb_runs"]
        for used in run["inputs"]
    }


def losses_of(document: Any) -> list[dict[str, str]]:
    """Return the losses of all W&B runs."""
    return [
        loss
        for flow_run in document["flow_runs"]
        for run in flow_run["wandb_runs"]
        for loss in run["losses"]
    ]
