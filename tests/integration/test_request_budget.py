"""W&B gets no more requests than it allows, or than a user allows, and still gets everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.integration.results import metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer
from tests.support.wandb_server.journal import Incoming

_PROBE = Path(__file__).with_name("request_budget_probe.py")
_SECONDS, _REQUESTS = 4.0, 60


def test_no_stretch_of_time_has_more_requests(
    online: Sandbox,
    w_and_b: WandbServer,
    project: str,
    flow_run: Callable[[str], str],
    flows_root: Path,
) -> None:
    """A budget holds for all workers and for wandb-core, and all W&B runs are written."""
    pathspec = flow_run("fan_flow")
    w_and_b.clear_requests()

    done = online.python(
        _PROBE.read_text(encoding="utf-8"),
        str(_SECONDS),
        str(_REQUESTS),
        pathspec,
        project,
        metadata_of(flows_root),
    )

    assert done.out.split() == ["synced", "0"], done.err
    arrived = sorted(request.arrived for request in w_and_b.requests)
    assert len(arrived) > 1.5 * _REQUESTS  # else it shows nothing
    worst = max(sum(end - _SECONDS < moment <= end for moment in arrived) for end in arrived)
    assert worst <= _REQUESTS


def test_a_server_with_a_limit_gets_everything(
    sync: Callable[..., Finished], flow_run: Callable[[str], str]
) -> None:
    """What it refuses is sent again when it said."""
    with WandbServer() as server:
        limit = server.limit_rate(40, 2.0)
        done = sync(
            flow_run("fan_flow"),
            "--granularity",
            "task",
            WANDB_BASE_URL=server.base_url,
            WANDB_API_KEY=server.api_key,
        )

    assert limit.refused  # else it shows nothing
    assert done.code == 0, done.err
    document = json.loads(done.out)
    assert document["flow_runs"][0]["status"] == "synced"
    assert document["totals"]["losses"] == 0


def test_fewer_wandb_runs_are_open_after_refusals(
    sync: Callable[..., Finished], flow_run: Callable[[str], str]
) -> None:
    """Four at first; each is refused once, so soon there is only one at a time."""
    refused: set[str] = set()

    def is_first_of_its_run(incoming: Incoming) -> bool:
        is_first = incoming.kind == "file_stream" and incoming.path not in refused
        refused.add(incoming.path)
        return is_first

    with WandbServer() as server:
        server.fail(is_first_of_its_run, 429, times=None, retry_after=1)
        done = sync(
            flow_run("wide_flow"),
            "--granularity",
            "task",
            "--workers",
            "4",
            WANDB_BASE_URL=server.base_url,
            WANDB_API_KEY=server.api_key,
        )
        requests = server.requests_of("file_stream")

    assert done.code == 0, done.err
    times: dict[str, list[float]] = {}
    for request in requests:
        times.setdefault(request.path, []).append(request.arrived)
    wandb_runs = sorted((min(moments), max(moments)) for moments in times.values())
    open_at_once = [
        sum(begin <= moment <= end for begin, end in wandb_runs) for moment, _ in wandb_runs
    ]
    assert max(open_at_once[:4]) > 2
    assert max(open_at_once[-4:]) == 1
