"""`mfwb forget`, of real flow runs that were synced to a W&B stand-in."""

from __future__ import annotations

import os
import pty
from collections.abc import Callable
from pathlib import Path

import pytest

from mfwb.ledger.locks import hold_locks
from mfwb.ports import Destination
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer
from tests.support.wandb_server.runs import upsert_run
from tests.support.warm import Constraints, Process

Sync = Callable[..., Finished]
FlowRuns = Callable[[str], str]


@pytest.fixture
def pathspec(flow_run: FlowRuns) -> str:
    """Return a flow run."""
    return flow_run("linear_flow")


def ids_of(finished: Finished) -> list[str]:
    """Return the ids of all W&B runs of a sync."""
    [flow_run] = finished.document["flow_runs"]
    return [run["id"] for run in flow_run["wandb_runs"]]


def status_of(finished: Finished) -> str:
    """Return how the one flow run of a sync ended."""
    [flow_run] = finished.document["flow_runs"]
    return str(flow_run["status"])


def test_a_forgotten_flow_run_is_found_again(
    sync: Sync, online: Sandbox, project: str, w_and_b: WandbServer, pathspec: str
) -> None:
    """The ledger alone changes; the next sync adopts the W&B runs and writes none twice."""
    sync(pathspec)
    before = w_and_b.state.snapshot(f"acme/{project}")
    w_and_b.clear_requests()

    piped = online.mfwb("forget", pathspec)
    nothing = online.mfwb("forget", "--yes")
    unknown = online.mfwb("forget", "NoFlow", "--yes")
    planned = online.mfwb("forget", pathspec, "--dry-run", "--json")
    forgotten = online.mfwb("forget", pathspec, "--yes")

    assert (piped.code, nothing.code, unknown.code) == (2, 2, 1)
    assert piped.err == ("mfwb: forget asks first, and there is no terminal to ask on; add --yes\n")
    assert "--project NAME, or --all" in nothing.err
    assert "the ledger has no NoFlow" in unknown.err
    assert planned.document["dry_run"] is True
    [one] = planned.document["flow_runs"]
    assert (one["pathspec"], one["project"], one["wandb_runs"]) == (pathspec, project, [])
    assert forgotten.code == 0, forgotten.err
    assert forgotten.out.startswith(f"{pathspec}  acme/{project}  forgotten\n")
    assert w_and_b.requests_without_metrics == []
    assert online.mfwb("status", "--json").document["flows"] == []

    again = sync(pathspec)

    assert status_of(again) == "unchanged", again.err
    assert w_and_b.count("UpsertBucket") == 0
    assert w_and_b.state.snapshot(f"acme/{project}") == before
    assert online.mfwb("status", "--json").document["flows"][0]["synced"] == 1


def test_what_is_deleted_in_wandb_is_written_anew(
    sync: Sync, online: Sandbox, project: str, w_and_b: WandbServer, pathspec: str
) -> None:
    """Only W&B runs of mfwb go, and artifacts stay; what somebody else deletes stays deleted."""
    first = sync(pathspec)
    path = f"acme/{project}"
    foreign = {"entity_name": "acme", "model_name": project, "group_name": pathspec}
    with w_and_b.store.lock:
        upsert_run(w_and_b.store, {**foreign, "name": "of-ann", "state": "finished"})
    artifacts = [version.path for version in w_and_b.state.artifacts(path)]

    deleted = online.mfwb("forget", pathspec, "--delete-in-wandb", "--yes", "--json")

    [flow_run] = deleted.document["flow_runs"]
    assert deleted.code == 0, deleted.err
    assert sorted(run["id"] for run in flow_run["wandb_runs"]) == sorted(ids_of(first))
    assert flow_run["kept_wandb_runs"] == 1
    assert list(w_and_b.state.runs(path)) == ["of-ann"]
    assert [version.path for version in w_and_b.state.artifacts(path)] == artifacts
    assert online.mfwb("status", "--json").document["flows"] == []

    anew = sync(pathspec)

    assert status_of(anew) == "synced", anew.out
    assert all("-g1-" in run_id for run_id in ids_of(anew))
    assert {*w_and_b.state.runs(path)} == {*ids_of(anew), "of-ann"}
    now = [version.path for version in w_and_b.state.artifacts(path)]
    tables = f"{path}/run-"  # W&B names them by the id of the W&B run
    assert [name for name in now if not name.startswith(tables)] == [
        name for name in artifacts if not name.startswith(tables)
    ]

    gone = ids_of(anew)[0]
    online.python(f"import wandb; wandb.Api().run({f'{path}/{gone}'!r}).delete()")
    last = sync(pathspec)

    [run] = [run for run in last.document["flow_runs"][0]["wandb_runs"] if run["deleted"]]
    assert run["id"].endswith(gone.rpartition("-")[2])
    assert gone not in w_and_b.state.runs(path)


@pytest.mark.parametrize("then", [pytest.param("forget", marks=pytest.mark.exhaustive), "sync"])
def test_a_deletion_that_is_killed(  # noqa: PLR0913, PLR0917 - what it takes
    then: str, sync: Sync, online: Sandbox, project: str, w_and_b: WandbServer, pathspec: str
) -> None:
    """Another one goes on with it; a sync writes again what is gone, and nothing twice."""
    sync(pathspec)
    path = f"acme/{project}"
    whole = {run.display_name for run in w_and_b.state.runs(path).values()}
    w_and_b.clear_requests()
    w_and_b.hold("DeleteRun", after=1)
    process = online.start_mfwb("forget", pathspec, "--delete-in-wandb", "--yes")
    w_and_b.wait_for("DeleteRun", 2)
    process.kill()
    process.communicate(timeout=30)
    w_and_b.clear_faults()
    assert 0 < len(w_and_b.state.runs(path)) < len(whole)
    [row] = online.mfwb("status", "--json").document["flows"]
    assert row["pending"] == 1

    if then == "forget":
        finished = online.mfwb("forget", pathspec, "--delete-in-wandb", "--yes")

        assert finished.code == 0, finished.err
        assert w_and_b.state.runs(path) == {}
        assert online.mfwb("status", "--json").document["flows"] == []
    else:
        finished = sync(pathspec)

        assert status_of(finished) == "synced", finished.out
        names = [run.display_name for run in w_and_b.state.runs(path).values()]
        assert sorted(names) == sorted(whole)


def test_a_running_sync_is_waited_for(
    sync: Sync, online: Sandbox, project: str, pathspec: str
) -> None:
    """Nothing is forgotten that a sync is writing."""
    sync(pathspec)
    held = Destination("online", "", "acme", project)

    with hold_locks(online.root / "state" / "locks", [held], wait=0):
        refused = online.mfwb("forget", "--project", project, "--yes")

    assert refused.code == 5
    assert "another sync" in refused.err
    assert online.mfwb("status", "--json").document["flows"][0]["synced"] == 1


@pytest.mark.parametrize(("typed", "code"), [("yes", 1), ("{number}", 0)])
def test_a_deletion_is_confirmed_by_its_number(  # noqa: PLR0913, PLR0917 - what it takes
    typed: str, code: int, sync: Sync, online: Sandbox, w_and_b: WandbServer, pathspec: str
) -> None:
    """On a terminal, the number of W&B runs has to be typed."""
    number = len(ids_of(sync(pathspec)))
    before = len(w_and_b.state.snapshot()["runs"])

    finished = on_a_terminal(
        online, typed.format(number=number), "forget", pathspec, "--delete-in-wandb"
    )

    assert f"type {number} to delete {number} W&B runs for ever: " in finished.err
    assert finished.code == code, finished.err
    assert before - len(w_and_b.state.snapshot()["runs"]) == (0 if code else number)
    if code:
        assert "mfwb: nothing was forgotten" in finished.err


def on_a_terminal(sandbox: Sandbox, typed: str, *arguments: str) -> Finished:
    """Run mfwb with a terminal as stdin and stderr, on which somebody types a line."""
    master, slave = pty.openpty()
    here = os.ttyname(slave)
    process = Process(
        arguments,
        folder=sandbox.root,
        environment=sandbox.environment,
        constraints=Constraints({"0": here, "1": os.devnull, "2": here}),
    )
    os.write(master, f"{typed}\n".encode())
    process.communicate(sandbox.patience)  # a terminal keeps four kilobytes that nobody reads
    os.close(slave)
    shown = b""
    try:
        while data := os.read(master, 10_000):
            shown += data
    except OSError:  # Linux's end of a terminal
        pass
    os.close(master)
    assert process.returncode is not None
    return Finished(process.returncode, "", shown.decode())


def test_the_bundle_of_an_offline_sync(online: Sandbox, flows_root: Path, pathspec: str) -> None:
    """Its own ledger is meant; there is nothing in W&B to delete."""
    where = ("--mode", "offline", "--dir", "bundle")
    metadata = f"local@{flows_root}"
    first = online.mfwb(
        "sync", pathspec, *where, "--entity", "acme", "--metadata", metadata, "--json"
    )
    refused = online.mfwb("forget", pathspec, *where, "--delete-in-wandb", "--yes")
    forgotten = online.mfwb("forget", pathspec, *where, "--yes")
    elsewhere = online.mfwb("forget", pathspec, "--mode", "offline", "--dir", "none", "--yes")

    assert first.code == 0, first.err
    assert (refused.code, forgotten.code) == (2, 0), forgotten.err
    assert "remove its folder instead" in refused.err
    assert (elsewhere.code, elsewhere.out) == (1, "")
    assert online.mfwb("status", *where, "--json").document["flows"] == []
