"""Calls of mfwb as `make types` reads them; nothing runs them.

mypy accepts those of `right_calls`. It refuses each of `wrong_calls`: an ignored error that is none
is an error itself.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import mfwb
import mfwb.lineage

__all__ = ["right_calls", "wrong_calls"]


class Run:
    """An object that only has a pathspec, as `metaflow.Run` has."""

    pathspec = "F/1"


class Watcher:
    """The least that shows progress."""

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Hear of a flow run."""

    def wandb_runs(self, total: int) -> None:
        """Hear of W&B runs."""

    def advance(self) -> None:
        """Hear of one that is written."""


def right_calls() -> None:
    """Pass values of all types that are documented."""
    mfwb.plan("F/1", Run(), ["F/2", Run()], granularity="step", project=None, progress=True)
    mfwb.sync("F", since=datetime.now(timezone.utc), dir="bundle", mode="offline", timeout="5m")
    mfwb.sync("F", last=5, dir=Path("bundle"), workers=3, max_memory=2_000, progress=Watcher())
    mfwb.sync("F", every=True, config="mfwb.toml", max_artifact_size={"model": "2GB"}, timeout=3)
    mfwb.sync(
        every=True, flow={"F": {"kinds": {"a.*": "model"}, "step": {"end": {"models": False}}}}
    )
    mfwb.sync(
        "F/1", path_roots=["a", Path("b")], datastore_roots="a,b", settings={"run_tags": ["a"]}
    )
    done: mfwb.Result = mfwb.push("bundle", config=Path("mfwb.toml")).raise_for_failures()
    done.to_dict()
    mfwb.push(Path("bundle"), on_deleted="recreate")
    _ = mfwb.lineage(Run(), metadata="local@data").lineage.edges
    mfwb.explain(Run(), "model", unpickle="never")
    mfwb.status("F", Run(), entity="acme").to_dict()
    mfwb.rebuild(["F"], project="wines")
    try:
        mfwb.sync("F/1").raise_for_failures()
    except mfwb.errors.FlowRunsFailed as failed:
        failed.reasons["F/1"].upper()
        (failed.exit_code + failed.total).bit_length()


def wrong_calls() -> None:
    """Pass a value that no setting has, a keyword that is none, and what is no pathspec."""
    mfwb.sync("F/1", granularity="steps")  # type: ignore[arg-type]
    mfwb.plan("F/1", granularty="step")  # type: ignore[call-arg]
    mfwb.sync("F/1", workers="many")  # type: ignore[arg-type]
    mfwb.sync("F/1", flow={"F": {"projects": "p"}})  # type: ignore[typeddict-unknown-key]
    mfwb.sync("F/1", max_artifact_size={"models": 1})  # type: ignore[arg-type]
    mfwb.sync(1)  # type: ignore[arg-type]
    mfwb.push("bundle", mode="of")  # type: ignore[arg-type]
    mfwb.push(1)  # type: ignore[arg-type]
    mfwb.lineage()  # type: ignore[call-arg]
    mfwb.lineage("F/1", "model")  # type: ignore[call-arg]
    mfwb.explain("F/1", unpickle=True)  # type: ignore[arg-type]
    mfwb.status("F", progress=True)  # type: ignore[call-arg]
    mfwb.rebuild("F", workers=[])  # type: ignore[arg-type]
    mfwb.sync("F/1", progress="yes")  # type: ignore[arg-type]
    _ = mfwb.replay  # type: ignore[attr-defined]
