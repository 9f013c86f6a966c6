"""The programs that are measured, and whether they did what they should."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import Helps, Replay
from bench.measure import Measured, disk_use, measure
from bench.sample import COUNT
from bench.workplaces import Workplace, console_script

__all__ = ["WrongOutcomeError", "helps", "replay_by_mfwb", "replay_by_script", "warm_up"]

_BASELINE = Path(__file__).resolve().parent / "baseline.py"
_ARTIFACTS = 10 * COUNT
_WANDB_RUNS = {"step": 4, "task": COUNT + 3}
_HELPS = 9


class WrongOutcomeError(Exception):
    """A program did not do its work, so its figures mean nothing."""


def warm_up(build: Path) -> None:
    """Load what all programs load, so that the first one measured does not pay for the others."""
    modules = "import metaflow, mfwb.api, mfwb.wiring, pandas, pyarrow, sklearn.linear_model, wandb"
    workplace = _clean(build, "warm-up")
    measure([sys.executable, "-c", modules], cwd=workplace.out, environment=workplace.environment)


def replay_by_script(build: Path, pathspec: str) -> Replay:
    """Replay the flow run by the straightforward script."""
    workplace = _clean(build, "script")
    command = [sys.executable, str(_BASELINE), pathspec]
    measured = measure(command, cwd=workplace.out, environment=workplace.environment)
    _expect(measured.exit_code == 0, "the script failed", measured)
    runs = len(list(workplace.out.glob("wandb/offline-run-*/*.wandb")))
    _expect(runs == _WANDB_RUNS["task"], f"the script wrote {runs} W&B runs", measured)
    return Replay(measured, disk_use(workplace.root), runs)


def replay_by_mfwb(build: Path, pathspec: str, granularity: str) -> tuple[Replay, Replay]:
    """Replay the flow run by `mfwb sync`, then call that again, when nothing has changed."""
    workplace = _clean(build, f"mfwb-{granularity}")
    first = _sync(workplace, pathspec, granularity, status="synced")
    return first, _sync(workplace, pathspec, granularity, status="unchanged")


def helps(build: Path) -> Helps:
    """Return how long `mfwb --help` and `wandb --help` take, called in turn."""
    workplace = _clean(build, "help")
    programs = ("mfwb", "wandb")
    times: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(_HELPS):
        for name in programs:
            measured = measure(
                [console_script(name), "--help"],
                cwd=workplace.out,
                environment=workplace.environment,
                sample=False,
            )
            _expect(measured.exit_code == 0, f"{name} --help failed", measured)
            times[name].append(measured.seconds)
    return Helps(mfwb=median(times["mfwb"]), wandb=median(times["wandb"]))


def _sync(workplace: Workplace, pathspec: str, granularity: str, *, status: str) -> Replay:
    command = [console_script("mfwb"), "sync", pathspec, "--mode", "offline", "--dir", "bundle"]
    command += ["--entity", "bench", "--granularity", granularity, "--json"]
    measured = measure(command, cwd=workplace.out, environment=workplace.environment)
    _expect(measured.exit_code == 0, "mfwb failed", measured)
    document = json.loads(measured.out)
    _check_document(document, status, _WANDB_RUNS[granularity], measured)
    runs = len(list(workplace.out.glob("bundle/level-*/wandb/offline-run-*/*.wandb")))
    _expect(runs == _WANDB_RUNS[granularity], f"mfwb wrote {runs} W&B runs", measured)
    return Replay(measured, disk_use(workplace.root), runs)


def _check_document(
    document: dict[str, Any], status: str, wandb_runs: int, measured: Measured
) -> None:
    """Check what `--json` says: all runs, all artifacts, no losses."""
    totals = document["totals"]
    actual_status = document["flow_runs"][0]["status"]
    _expect(
        actual_status == status, f"mfwb says {actual_status!r} rather than {status!r}", measured
    )
    run_count = totals["wandb_runs"]
    _expect(run_count == wandb_runs, f"mfwb says it wrote {run_count} W&B runs", measured)
    items: dict[str, int] = totals["items"]
    parts = sum(number for name, number in items.items() if name != "total")
    _expect(items["total"] == parts, f"mfwb's totals don't add up: {items}", measured)
    _expect(items["total"] >= _ARTIFACTS, f"mfwb knows {items['total']} artifacts", measured)
    _expect(items["lost"] == totals["losses"] == 0, f"mfwb lost something: {items}", measured)


def _expect(holds: bool, complaint: str, measured: Measured) -> None:  # noqa: FBT001 - it is the subject
    if not holds:
        raise WrongOutcomeError("\n".join([complaint, *measured.err.splitlines()[-10:]]))


def _clean(build: Path, name: str) -> Workplace:
    shutil.rmtree(build / "work" / name, ignore_errors=True)
    return Workplace.make(build, name)
