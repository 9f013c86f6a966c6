"""A plan against the sync that follows it: losses, sizes, requests; and it writes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.results import Synced, metadata_of
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer

FLOWS = (
    *("linear_flow", "fan_flow", "odd_shapes_flow", "failing_flow", "rich_flow"),
    *("carded_flow", "picking_flow"),
)
_SAMPLE = ("fan_flow", "odd_shapes_flow", "failing_flow", "rich_flow")  # those with losses, too
FACTOR = 1.5
"""docs/plan.md promises that the number of requests is right within this factor."""


def losses_of(document: Any) -> set[tuple[str, str]]:
    """Return the losses of a flow run, with their reasons."""
    [flow_run] = document["flow_runs"]
    holders = [flow_run, *flow_run["wandb_runs"]]
    return {(loss["item"], loss["reason"]) for holder in holders for loss in holder["losses"]}


def sizes_of(document: Any, *, planned: bool) -> dict[tuple[str, str], int]:
    """Return the sizes of artifacts by W&B run and name; of a plan, the exact ones."""
    [flow_run] = document["flow_runs"]
    return {
        (run["name"], output["name"]): output["size"]
        for run in flow_run["wandb_runs"]
        for output in run["outputs"]
        if not (planned and output["size_is_estimate"])
    }


@pytest.mark.parametrize(
    "flow",
    [pytest.param(flow, marks=() if flow in _SAMPLE else pytest.mark.exhaustive) for flow in FLOWS],
)
def test_losses_and_sizes_are_those_of_the_sync(
    flow: str, synced: Callable[..., Synced], sandbox: Sandbox, flows_root: Path
) -> None:
    """What is lost is in the plan, with the same reason, and what is no estimate is exact."""
    done = synced(flow)
    to = ("--entity", "acme", "--project", done.project, "--metadata", metadata_of(flows_root))

    planned = sandbox.mfwb("plan", done.pathspec, "--json", *to)

    assert losses_of(planned.document) == losses_of(done.finished.document)
    written = sizes_of(done.finished.document, planned=False)
    exact = sizes_of(planned.document, planned=True)
    assert exact == {key: written[key] for key in exact}
    accounts = [
        item["flow_runs"][0]["account"] for item in (planned.document, done.finished.document)
    ]
    lost = [{kind: ends.get("lost", 0) for kind, ends in account.items()} for account in accounts]
    assert lost[0] == lost[1]


@pytest.fixture(scope="module")
def pointing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a folder, and a flow run in it that points at files in every way."""
    root = tmp_path_factory.mktemp("pointing")
    (root / "words.txt").write_text("eins\nzwei\n", encoding="utf-8")
    (root / "set").mkdir()
    (root / "set" / "a.csv").write_bytes(b"a,b\n1,2\n")
    (root / "set" / ".hidden").write_bytes(b"no")
    (root / "large.csv").write_bytes(b"1" * 5000)
    places = ("set", "large.csv", "gone.csv", "words.txt")
    paths = [
        "relative.csv",
        "/nowhere/x",
        "s3://bucket/key",
        *(str(root / name) for name in places),
    ]
    done = Sandbox(root).flow(
        "pointing_flow", "run", "--run-id-file", "id.txt", PLACES=os.pathsep.join(paths)
    )
    assert done.code == 0, done.err
    return root, f"PointingFlow/{(root / 'id.txt').read_text(encoding='utf-8')}"


def test_paths_requests_and_nothing_written(
    pointing: tuple[Path, str], online: Sandbox, w_and_b: WandbServer, project: str
) -> None:
    """Relative, forbidden, missing, hidden and large files; the plan changes no byte anywhere."""
    root, pathspec = pointing
    roots = [("--path-root", str(root / name)) for name in ("set", "large.csv", "gone.csv")]
    to = [
        *("--json", "--entity", "acme", "--project", project, "--metadata", metadata_of(root)),
        *(text for pair in roots for text in pair),
        *("--max-artifact-size", "4KB"),
    ]
    before = w_and_b.state.snapshot()
    w_and_b.clear_requests()

    planned = online.mfwb("plan", pathspec, *to)
    requests = len(w_and_b.requests_without_metrics)
    asked = online.mfwb("plan", pathspec, *to, "--online")

    assert (planned.code, asked.code, requests) == (0, 0, 0), planned.err + asked.err
    assert w_and_b.state.snapshot() == before
    assert not (online.root / "state").exists()
    incoming = [request.incoming for request in w_and_b.requests_without_metrics]
    assert {request.kind for request in incoming} == {"graphql"}
    assert not [request for request in incoming if request.text.strip().startswith("mutation")]

    w_and_b.clear_requests()
    done = online.mfwb("sync", pathspec, *to)
    sent = len(w_and_b.requests_without_metrics)
    ledger = (online.root / "state" / "ledger.sqlite").read_bytes()
    after = w_and_b.state.snapshot()
    again = [online.mfwb("plan", pathspec, *to, *more) for more in ((), ("--online",))]

    assert losses_of(planned.document) == losses_of(done.document)
    assert losses_of(asked.document) == losses_of(done.document)
    reasons = {reason for _, reason in losses_of(planned.document)}
    assert any(reason.startswith("files of this machine are sent only") for reason in reasons)
    assert any(reason.startswith("the path does not exist") for reason in reasons)
    assert "place_0" in planned.document["flow_runs"][0]["wandb_runs"][0]["summary_keys"]
    assert any("4,000 bytes that max_artifact_size allows" in reason for reason in reasons)
    estimate = planned.document["totals"]["estimate"]
    assert sent / FACTOR <= estimate["requests"] <= sent * FACTOR
    assert [item.document["flow_runs"][0]["change"] for item in again] == ["unchanged"] * 2
    assert [losses_of(item.document) for item in again] == [losses_of(done.document)] * 2
    assert (online.root / "state" / "ledger.sqlite").read_bytes() == ledger
    assert w_and_b.state.snapshot() == after


@pytest.mark.parametrize(
    "flow", ["picking_flow", pytest.param("odd_shapes_flow", marks=pytest.mark.exhaustive)]
)
def test_requests_are_about_right(  # noqa: PLR0913, PLR0917 - fixtures
    flow: str,
    online: Sandbox,
    w_and_b: WandbServer,
    flow_run: Callable[[str], str],
    flows_root: Path,
    project: str,
) -> None:
    """The number of requests of a sync is what its plan expects, within a factor."""
    to = ("--json", "--entity", "acme", "--project", project, "--metadata", metadata_of(flows_root))
    planned = online.mfwb("plan", flow_run(flow), *to)
    w_and_b.clear_requests()

    done = online.mfwb("sync", flow_run(flow), *to)

    sent = len(w_and_b.requests_without_metrics)
    estimate = planned.document["totals"]["estimate"]
    assert done.code == 0, done.err
    assert sent / FACTOR <= estimate["requests"] <= sent * FACTOR
    assert estimate["seconds"] > 0
