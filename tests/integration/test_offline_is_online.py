"""A bundle that `wandb sync` sends says what an online sync says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.aspects import ASPECTS
from tests.integration.results import metadata_of
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import RunSnapshot, WandbServer

pytestmark = pytest.mark.exhaustive  # what `mfwb push` sends is compared in `make test`
_FLOWS = [("fan_flow", "step"), ("fan_flow", "task"), ("failing_flow", "task")]


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
    result = {}
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
        result[mode] = {
            run["name"]: w_and_b.state.run(f"acme/{project}/{run['id']}") for run in runs
        }
    return result


def _send(sandbox: Sandbox) -> None:
    for level in sorted((sandbox.root / "bundle").glob("level-*")):
        runs = [str(path) for path in level.glob("wandb/offline-run-*")]
        done = sandbox.wandb("sync", "--yes", *runs)
        assert done.code == 0, done.err
        assert all(list(Path(run).glob("*.synced")) for run in runs), done.out


def test_all_runs_are_there(both: dict[str, dict[str, RunSnapshot]]) -> None:
    """By the same names."""
    assert both["offline"]
    assert both["offline"].keys() == both["online"].keys()


@pytest.mark.parametrize("aspect", list(ASPECTS))
def test_they_say_the_same(both: dict[str, dict[str, RunSnapshot]], aspect: str) -> None:
    """Field by field."""
    of = ASPECTS[aspect]
    offline = {name: of(run) for name, run in both["offline"].items()}
    online = {name: of(run) for name, run in both["online"].items()}

    assert offline == online
