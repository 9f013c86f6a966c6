"""Claims of several W&B runs in one request: each has an answer of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import Sandbox
from tests.support.wandb_server import Incoming, WandbServer

_CLAIMS = """
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from mfwb.errors import SinkError
from mfwb.sink.client.api import ApiClient
from mfwb.sink.client.private import http_status
from mfwb.sink.client.retry_budget import RetryBudget
from mfwb.sink.server.claims import ClaimRequests

claims = ClaimRequests(ApiClient(os.environ["WANDB_BASE_URL"], RetryBudget(20)), "acme/p")

def claim(name):
    variables = {"entity": "acme", "project": "p", "name": name, "displayName": name}
    try:
        return claims.send({**variables, "groupName": "g"})
    except SinkError as error:
        return http_status(error.__cause__) if error.__cause__ else str(error)

with ThreadPoolExecutor(4) as pool:
    first = pool.submit(claim, "first")
    threading.Event().wait(0.3)  # it is on its way: the others wait for it
    names = ("one", "two", "three")
    others = dict(zip(names, pool.map(claim, names)))
print(json.dumps({"first": first.result(), **others}))
"""

_BATCH = "MfwbClaimRun"
_PARTLY = b'{"data": {"part0": {"inserted": true}}, "errors": [{"message": "no"}]}'


def _is_batch(request: Incoming) -> bool:
    return "part1" in request.text


def _delete_two(server: WandbServer) -> None:
    project = server.store.make_project("acme", "p")
    project.deleted_runs.add("two")


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        pytest.param(lambda _: None, [True, True, True, True], id="as-always"),
        # W&B has created the other two, but did not say it: they read as those of another sync.
        pytest.param(_delete_two, [True, False, 409, False], id="one-was-deleted"),
        pytest.param(lambda w: w.cut(_BATCH, after=1), [True, True, True, True], id="cut"),
        pytest.param(lambda w: w.null(_BATCH, after=1), [True, True, True, True], id="null"),
        pytest.param(
            lambda w: w.answer(_is_batch, 200, _PARTLY, "application/json"),
            [True, True, True, True],
            id="error-with-status-200",
        ),
        pytest.param(
            lambda w: w.fail(_is_batch, 400, None),
            [True, True, True, True],
            id="server-without-aliases",
        ),
        pytest.param(
            lambda w: w.lose_reply(_BATCH, after=1), [True, False, False, False], id="reply-lost"
        ),
    ],
)
def test_claims_of_one_request(
    tmp_path: Path, prepare: Callable[[WandbServer], Any], expected: list[Any]
) -> None:
    """Nobody is told that it has a W&B run unless W&B has just said so of this very one."""
    with WandbServer() as server:
        server.latency = 0.6
        prepare(server)
        own = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        done = Sandbox(tmp_path, own).python(_CLAIMS)
        assert done.code == 0, done.err
        created = {run.name for run in server.store.runs.values()}

    answers = json.loads(done.out.splitlines()[-1])
    assert [answers[name] for name in ("first", "one", "two", "three")] == expected
    assert {name for name, answer in answers.items() if answer is True} <= created
