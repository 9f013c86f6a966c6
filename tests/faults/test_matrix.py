"""Each kind of request, and each thing that can go wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.scene import Scene, differences
from tests.faults.test_kills import REQUESTS
from tests.support.wandb_server import Fault, WandbServer

Scenes = Callable[..., Scene]
Clean = Callable[..., dict[str, Any]]

_FLOW = "numbered_flow"  # it makes an artifact and uses it, so each kind of request comes
_TIMES = 2  # so often it goes wrong, then no more


def _fail(status: int, **more: Any) -> Callable[[WandbServer, str, int | None], Fault]:
    return lambda server, request, times: server.fail(request, status, times, **more)


TROUBLES: dict[str, Callable[[WandbServer, str, int | None], Fault]] = {
    "429": _fail(429),
    "429-retry-after": _fail(429, retry_after=1.0),
    "500": _fail(500),
    "502": _fail(502),
    "503": _fail(503),
    "cut": lambda server, request, times: server.cut(request, times),
    "lost-reply": lambda server, request, times: server.lose_reply(request, times),
    "silence": lambda server, request, times: server.hold(request, times and 1),
}
_LASTING = ("500", "cut", "silence", "expired")
_SAMPLE = {
    ("CreateArtifact", "503"),
    ("upload", "expired"),
}


def _cases(troubles: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(
            request,
            trouble,
            marks=() if (request, trouble) in _SAMPLE else pytest.mark.exhaustive,
            id=f"{request}-{trouble}",
        )
        for request in REQUESTS
        for trouble in troubles
    ]


@pytest.mark.parametrize(("request_", "trouble"), _cases(tuple(TROUBLES)))
def test_it_passes(scene: Scenes, clean_state: Clean, request_: str, trouble: str) -> None:
    """What goes wrong for a moment is tried again, and nothing of it is seen afterwards."""
    here = scene(_FLOW)
    fault = TROUBLES[trouble](here.server, request_, _TIMES)

    done = here.sync("--timeout", "60")

    assert fault.struck
    assert done.code == 0, done.err
    assert differences(here.state(), clean_state(_FLOW)) == []


@pytest.mark.parametrize(("request_", "trouble"), _cases(_LASTING))
def test_it_lasts(scene: Scenes, clean_state: Clean, request_: str, trouble: str) -> None:
    """What stays wrong ends with a reason, and the next sync mends it."""
    here = scene(_FLOW)
    expired = _fail(401)
    fault = TROUBLES.get(trouble, expired)(here.server, request_, None)

    failed = here.sync("--timeout", "5")
    assert fault.struck
    here.server.clear_faults()
    again = here.sync()

    if request_ == "Viewer":
        assert failed.code == 4, failed.err
    else:
        assert failed.code in ((1, 4) if trouble == "expired" else (1,)), failed.out
        [flow_run] = failed.document["flow_runs"]
        assert flow_run["status"] == "failed"
        assert "W&B" in flow_run["reason"] or "can't" in flow_run["reason"]
    assert again.code == 0, again.err
    assert differences(here.state(), clean_state(_FLOW)) == []
    assert here.left() == []
