"""Each kind of request, and each answer that is none: W&B-like and old servers give such ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.scene import Scene, differences
from tests.faults.test_kills import REQUESTS
from tests.support.wandb_server import Fault, WandbServer

Scenes = Callable[..., Scene]
Clean = Callable[..., dict[str, Any]]

_FLOW = "numbered_flow"
_LACKS = 'Cannot query field "it" on type "Thing".'
_NO_GRAPHQL = ("upload", "file_stream")

ANSWERS: dict[str, Callable[[WandbServer, str], Fault]] = {
    "null": lambda server, request: server.null(request, None),
    "lacks-200": lambda server, request: server.fail(request, 200, None, message=_LACKS),
    "lacks-400": lambda server, request: server.fail(request, 400, None, message=_LACKS),
    "403": lambda server, request: server.fail(request, 403, None, message="permission denied"),
    "413": lambda server, request: server.fail(request, 413, None, message="too large"),
}
_SAMPLE = {("UpsertBucket", "null")}


def _cases() -> list[Any]:
    return [
        pytest.param(
            request,
            answer,
            marks=() if (request, answer) in _SAMPLE else pytest.mark.exhaustive,
            id=f"{request}-{answer}",
        )
        for request in (*REQUESTS, "MfwbHistories", "UpdateArtifact", "ArtifactType")
        for answer in ANSWERS
        if request not in _NO_GRAPHQL or answer.isdigit()
    ]


@pytest.mark.parametrize(("request_", "answer"), _cases())
def test_an_answer_that_is_none(
    scene: Scenes, clean_state: Clean, request_: str, answer: str
) -> None:
    """It ends at once, with a reason and the code 1 or 4, or does no harm; the next sync mends."""
    here = scene(_FLOW)
    fault = ANSWERS[answer](here.server, request_)

    done = here.sync("--timeout", "60")
    here.server.clear_faults()
    if not fault.struck:
        pytest.skip("there is no such request")
    if done.code == 0:
        assert differences(here.state(), clean_state(_FLOW)) == []
    again = here.sync()

    assert done.code in (0, 1, 4), done.err
    assert "log of the bug" not in done.err
    if answer == "403" and request_ not in _NO_GRAPHQL and done.code == 4:
        assert "acme/p" in done.err or request_ == "Viewer"
    assert again.code == 0, again.err
    assert differences(here.state(), clean_state(_FLOW)) == []
