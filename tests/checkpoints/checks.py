"""What W&B has to have of `tests/flows/checkpoint_flow.py`, read back through `wandb.Api`."""

from __future__ import annotations

from typing import Any

from tests.checkpoints.flow_run import FILES
from tests.support.wandb_server import WandbServer

__all__ = ["EDGES", "assert_artifacts", "assert_series", "assert_summaries"]

EDGES = {
    ("test", "net", "train"),  # loaded by the decorator
    ("test", "last", "train"),  # loaded by its reference
    ("join", "candidate", "each"),
    ("end", "chosen", "join"),
}
"""Who uses what, at granularity step."""


def assert_artifacts(server: WandbServer, project: str, run_id: str) -> None:
    """Compare type, files, metadata and aliases of each artifact with what the flow saved."""
    for name, files in FILES.items():
        version = server.state.artifact(f"acme/{project}/{name}:latest")
        assert version.type == "model", name
        assert dict(version.files) == dict(files), name
        assert {"latest", f"run-{run_id}"} <= set(version.aliases), name
    last = server.state.artifact(f"acme/{project}/last:latest")
    facts = last.metadata["metaflow"]["checkpoint"]
    assert last.metadata["epoch"] == 2
    assert last.metadata["loss"] == 1 / 3
    assert {"kind": "checkpoint", "name": "epochs", "attempt": 1}.items() <= facts.items()
    [parent] = facts["parents"]  # the second attempt loaded what the first one had saved
    assert parent.endswith(".0.epochs.0")
    net = server.state.artifact(f"acme/{project}/net:latest").metadata
    assert net["accuracy"] == 0.9
    assert net["metaflow"]["checkpoint"]["uuid"].startswith("best_")


def assert_series(server: WandbServer, project: str, run_id: str) -> None:
    """Compare the further checkpoints of a task: a version each, in the order of saving."""
    for epoch in range(3):
        version = server.state.artifact(f"acme/{project}/train-epochs:v{epoch}")
        assert dict(version.files) == {
            "state/optimizer.txt": f"epoch {epoch}".encode(),
            "weights.bin": bytes([epoch]) * 300,
        }
        assert version.metadata["epoch"] == epoch
        assert version.metadata["metaflow"]["checkpoint"]["version"] == epoch
        aliases = {"latest", f"run-{run_id}"} if epoch == 2 else set()
        assert {*version.aliases} - {f"v{epoch}"} == aliases


def assert_summaries(summaries: dict[str, Any]) -> None:
    """Compare what each W&B run shows: what the user noted, and nothing of the package's own."""
    train = summaries["train"]
    assert train["last"] == {"epoch": 2, "loss": 1 / 3}
    assert train["net"] == {"accuracy": 0.9}
    assert summaries["join"]["chosen"] == {"rate": 0.25}
    assert summaries["start"]["settings"] == {"type": "checkpoint", "key": "a/b", "epochs": 3}
    for summary in summaries.values():
        assert not {"packed", "net_folder"} & summary.keys()  # nothing was noted for these
        assert not [key for key in summary if key.startswith("_task")]
