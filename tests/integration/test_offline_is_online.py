"""A bundle that `wandb sync` sends says what an online sync says."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.results import metadata_of
from tests.sandbox import Sandbox
from tests.wandb_server import ArtifactVersion, RunSnapshot, WandbServer

_FLOWS = [
    ("fan_flow", "step"),
    pytest.param(("fan_flow", "task"), marks=pytest.mark.exhaustive),
    ("failing_flow", "task"),
]


@pytest.fixture(scope="module", params=_FLOWS)
def both(
    request: pytest.FixtureRequest,
    w_and_b: WandbServer,
    flow_run: Callable[[str], str],
    flows_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, dict[str, RunSnapshot]]:
    """Return the W&B runs of one flow run by name, sent both ways."""
    flow, granularity = request.param
    pathspec = flow_run(flow)
    folder = tmp_path_factory.mktemp("both")
    server = {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key}
    common = (pathspec, "--granularity", granularity, "--metadata", metadata_of(flows_root))
    found = {}
    for mode in ("online", "offline"):
        sandbox = Sandbox(folder / mode, server)
        project = f"{folder.name}-{mode}"
        where = ("--mode", "offline", "--dir", "bundle") if mode == "offline" else ()
        to = ("--project", project, "--entity", "acme", "--json", *where)
        done = sandbox.mfwb("sync", *common, *to)
        assert done.code == 0, done.err
        if mode == "offline":
            _send(sandbox)
        runs = done.document["flow_runs"][0]["wandb_runs"]
        found[mode] = {
            run["name"]: w_and_b.state.run(f"acme/{project}/{run['id']}") for run in runs
        }
    return found


def _send(sandbox: Sandbox) -> None:
    for level in sorted((sandbox.root / "bundle").glob("level-*")):
        runs = [str(path) for path in level.glob("wandb/offline-run-*")]
        done = sandbox.run(sys.executable, "-m", "wandb", "sync", "--yes", *runs)
        assert done.code == 0, done.err
        assert all(list(Path(run).glob("*.synced")) for run in runs), done.out


def _without_marker(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config but for the fingerprint, which knows the project."""
    return {name: value for name, value in config.items() if name != "mfwb"}


def _started(run: RunSnapshot) -> set[str]:
    return {one["startedAt"] for one in run.raw_config["_wandb"]["value"].get("e", {}).values()}


def _summary(run: RunSnapshot) -> dict[str, Any]:
    """Return the summary but for what W&B draws by lot: how drafts of artifacts are called."""
    return {
        name: _without_drawn(value) if isinstance(value, dict) else value
        for name, value in run.summary.items()
        if name != "mfwb"
    }


def _without_drawn(value: dict[str, Any]) -> dict[str, Any]:
    drawn = ("artifact_path", "_latest_artifact_path")
    return {name: said for name, said in value.items() if name not in drawn}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row but for the seconds since W&B began to write."""
    return {name: value for name, value in row.items() if name != "_runtime"}


def _artifact(one: ArtifactVersion) -> tuple[Any, ...]:
    """Return what a version is; its number and its aliases go by the order within a level."""
    files = tuple(sorted((path, one.files[path]) for path in one.files))
    producer = (one.logged_by or "").rpartition("/")[2]
    return (one.name.partition(":")[0], one.type, one.digest, producer, files)


_ASPECTS: dict[str, Callable[[RunSnapshot], Any]] = {
    "identity": lambda run: (
        *(run.id, run.display_name, run.group),
        *(run.job_type, run.tags, run.notes),
    ),
    "end": lambda run: (run.state, run.exit_code, run.runtime),
    "origin": lambda run: (run.host, run.git),
    "config": lambda run: _without_marker(run.config),
    "start": _started,
    "summary": _summary,
    "history": lambda run: [_row(row) for row in run.history],
    "console": lambda run: [line.line for line in run.console],
    "logged": lambda run: sorted(_artifact(one) for one in run.logged),
    "used": lambda run: sorted(_artifact(one) for one in run.used),
    "media": lambda run: {name: run.files[name] for name in run.files if name.startswith("media/")},
}


def test_all_runs_are_there(both: dict[str, dict[str, RunSnapshot]]) -> None:
    """By the same names."""
    assert both["offline"]
    assert both["offline"].keys() == both["online"].keys()


@pytest.mark.parametrize("aspect", list(_ASPECTS))
def test_they_say_the_same(both: dict[str, dict[str, RunSnapshot]], aspect: str) -> None:
    """Field by field."""
    of = _ASPECTS[aspect]
    offline = {name: of(run) for name, run in both["offline"].items()}
    online = {name: of(run) for name, run in both["online"].items()}

    assert offline == online
