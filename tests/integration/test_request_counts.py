"""How many requests one more W&B run takes: with an artifact, a use, a chart, a log and a summary.

They are counted by the stand-in for W&B, with flow runs that differ in the number of branches.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox
from tests.support.wandb_server import Request, WandbServer

_FEW, _MANY = 2, 8  # branches
_LATENCY = 0.05  # seconds for each request, as to a server that is elsewhere
_LIMIT = 14
_TOLERANCE = 0.1  # of what is told
_OWN_OF_SAME_KINDS = 2  # the marks, and a question what the server can do

_FLOW = """
from metaflow import FlowSpec, step

class {name}(FlowSpec):
    @step
    def start(self):
        self.before = b"start"
        self.next({first})
{steps}
    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    {name}()
"""
_STEP = """
    @step
    def s{number}(self):
        assert self.before
        self.a{number} = b"of step {number}"
        self.loss{number} = [1 / (epoch + 1) for epoch in range(12)]
        self.rate = {number} / 100
        print("step {number}")
        self.next(self.join)
"""

_CHAIN_FLOW = """
from metaflow import FlowSpec, step

class {name}(FlowSpec):
    @step
    def start(self):
        self.state = b"start"
        self.next(self.s0)
{steps}
    @step
    def end(self):
        pass

if __name__ == "__main__":
    {name}()
"""
_CHAIN_STEP = """
    @step
    def s{number}(self):
        self.state = self.state + b"{number}"
        self.loss = [1 / (epoch + {number} + 1) for epoch in range(12)]
        self.rate = {number} / 100
        print("step {number}")
        self.next(self.{next})
"""

_OF_WANDB_CORE = {
    "UpsertBucket": 2,  # when the W&B run is opened, and its config with all axes at the end
    "CreateRunFiles": 1,  # even if there are none
    "file_stream": 2,
    "ServerFeaturesQuery": 1,  # for each W&B run that logs artifacts
    "CreateArtifact": 1,
    "CreateArtifactManifest": 2,  # without its digest, and with it
    "CreateArtifactFiles": 1,
    "upload": 2,  # the file and the manifest
    "CommitArtifact": 1,
}
"""What wandb-core 0.31 sends for each W&B run; no setting of it changes these."""

_SHARED = {
    *("MfwbClaimRun", "ArtifactByID", "UseArtifact", "MfwbCollections"),
    *("Runs", "MfwbRunFiles", "MfwbHistories"),
}
"""What mfwb requests for several W&B runs at once."""

_ONCE = {"Viewer": 2, "GetDefaultEntity": 1}
"""What it asks once in a call: who is logged in, before and with its own connection."""


def test_requests_of_one_more_wandb_run(tmp_path: Path) -> None:
    """At most 14, of which 13 are those of wandb-core; W&B's own SDK makes 23. `--json` tells."""
    (few, told_of_few), (many, told_of_many) = (
        _requests(tmp_path, f"Branches{steps}", _branches(steps)) for steps in (_FEW, _MANY)
    )

    _check(_each(few, many))
    for sent, told in ((few, told_of_few), (many, told_of_many)):
        assert sum(told.values()) == pytest.approx(sum(sent.values()), rel=_TOLERANCE), (told, sent)
        own = sum(number for kind, number in sent.items() if kind not in _OF_WANDB_CORE)
        assert own <= told["own"] <= own + _OWN_OF_SAME_KINDS, (told, sent)
        assert {kind: sent[kind] for kind in _ONCE} == _ONCE


def test_requests_of_one_more_version(tmp_path: Path) -> None:
    """A chain of W&B runs that log versions of one name needs no more.

    The commit is the read, and those that are ready at the same time have one request.
    """
    few, many = (_requests(tmp_path, f"Chain{steps}", _chain(steps))[0] for steps in (_FEW, _MANY))

    each = _each(few, many)
    assert each["CommitArtifact"] <= 1
    _check({**each, "CommitArtifact": 1})


def _each(few: Counter[str], many: Counter[str]) -> dict[str, float]:
    """Return the requests of one more W&B run, by kind."""
    return {kind: (many[kind] - few[kind]) / (_MANY - _FEW) for kind in {*few, *many}}


def _check(each: dict[str, float]) -> None:
    by_core = {kind: number for kind, number in each.items() if number and kind not in _SHARED}
    assert by_core == _OF_WANDB_CORE
    assert sum(each.values()) <= _LIMIT, each


def _branches(steps: int) -> str:
    """Return a flow with so many branches."""
    return _FLOW.format(
        name=f"Branches{steps}",
        first=", ".join(f"self.s{number}" for number in range(steps)),
        steps="".join(_STEP.format(number=number) for number in range(steps)),
    )


def _chain(steps: int) -> str:
    """Return a flow with so many steps in a row, of which each assigns the same artifact."""
    names = [f"s{number}" for number in range(steps)] + ["end"]
    texts = [_CHAIN_STEP.format(number=n, next=names[n + 1]) for n in range(steps)]
    return _CHAIN_FLOW.format(name=f"Chain{steps}", steps="".join(texts))


def _requests(root: Path, name: str, text: str) -> tuple[Counter[str], dict[str, int]]:
    """Sync a flow run of a flow for the first time.

    Returns:
        The requests that arrived, by kind, and those of which `--json` tells.
    """
    script = root / f"{name.lower()}.py"
    script.write_text(text, encoding="utf-8")
    done = Sandbox(root).script(script, "--quiet", "run")
    assert done.code == 0, done.err
    with WandbServer() as server:
        server.latency = _LATENCY
        own = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        done = Sandbox(root, own).mfwb("sync", f"{name}/latest", "--json")
        assert done.code == 0, done.err
        assert done.document["totals"]["losses"] == 0
        return Counter(map(_kind, server.requests)), done.document["totals"]["requests"]


def _kind(request: Request) -> str:
    return request.operation or request.kind
