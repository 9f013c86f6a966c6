"""What two ways of writing the same flow run told the server, made comparable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.support.wandb_server import RunSnapshot, WandbServer

Artifacts = dict[str, tuple[str, list[str], list[str]]]  # name -> type, files, MD5 of files


@dataclass(frozen=True)
class ToldRun:
    """One W&B run, as far as both ways have it."""

    config: dict[str, Any]
    summary: dict[str, Any]
    artifacts: Artifacts
    used: set[str]


Told = dict[str, ToldRun]  # by step, and for siblings by the weight they worked with

_OURS = {"metaflow", "mfwb"}
OF_MORE_USE = {("start", "array"): ["array.npy"]}
"""What the decorator pickles, and mfwb makes a file of that does without Python; by its files."""

HANDED_ON = {("join", "model")}
"""What a step only chooses, unchanged, keeps its producer; the decorator logs it once more."""


def told_by_decorator(server: WandbServer, project: str) -> Told:
    """Return what `@wandb_log` wrote; its runs have random ids and names."""
    return _by_task(server.state.runs(f"acme/{project}").values())


def told_by_mfwb(server: WandbServer, project: str, document: Any) -> Told:
    """Return what `mfwb sync` wrote."""
    ids = [run["id"] for flow_run in document["flow_runs"] for run in flow_run["wandb_runs"]]
    return _by_task(server.state.run(f"acme/{project}/{run_id}") for run_id in ids)


def compare(decorator: Told, mfwb: Told) -> list[str]:
    """Return a line for each thing that the decorator says: whether mfwb says the same."""
    rows = []
    for task, run in sorted(decorator.items()):
        other = mfwb[task]
        for name, value in sorted(run.config.items()):
            rows.append(_row(task, "config", name, same=other.config.get(name) == value))
        for name, value in sorted(run.summary.items()):
            rows.append(_row(task, "summary", name, same=other.summary.get(name) == value))
        for name, artifact in sorted(run.artifacts.items()):
            rows.append(_artifact_row(task, name, artifact, other.artifacts.get(name)))
    return rows


def _artifact_row(task: str, name: str, one: Any, other: Any) -> str:
    if (task, name) in HANDED_ON:
        return _row(task, one[0], name, same=other is None, note="handed on, so its producer's")
    if other is None:
        return _row(task, one[0], name, same=False)
    if (task, name) in OF_MORE_USE:
        same = (other[0], other[1]) == (one[0], OF_MORE_USE[task, name])
        return _row(task, one[0], name, same=same, note=", ".join(other[1]))
    same_bytes = "same bytes" if one[2] == other[2] else "pickled anew by the decorator"
    return _row(task, one[0], name, same=one[:2] == other[:2], note=same_bytes)


def _row(task: str, what: str, name: str, *, same: bool, note: str = "") -> str:
    verdict = "agrees" if same else "DIFFERS"
    return f"{task:<7} {what:<8} {name:<10} {note:<30} {verdict}"


def _by_task(runs: Iterable[RunSnapshot]) -> Told:
    shown: Told = {}
    for run in runs:
        step = str(run.job_type)
        key = f"fit/{run.summary['weight']}" if step == "fit" else step
        shown[key] = ToldRun(
            config={name: value for name, value in run.config.items() if name not in _OURS},
            summary={
                name: value
                for name, value in run.summary.items()
                if not name.startswith("_") and name not in _OURS
            },
            artifacts={
                version.name.split(":")[0]: (
                    version.type,
                    sorted(version.files),
                    [version.files.md5(name) for name in sorted(version.files)],
                )
                for version in run.logged
            },
            used={version.name for version in run.used},
        )
    return shown
