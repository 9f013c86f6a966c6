"""Plan files: `plan --out` decides, `sync --plan` carries out exactly that, or nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import wandb

from mfwb.plan_file import _checksum
from tests.integration.results import metadata_of
from tests.support.copies import copy_flow_run, tag_flow_run
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

NOW = 1_795_000_000_000


class Place:
    """A folder with two flow runs, a server, and plans and syncs of them."""

    def __init__(self, sandbox: Sandbox, pathspecs: list[str], project: str) -> None:
        self.sandbox, self.pathspecs = sandbox, pathspecs
        self.to = ("--entity", "acme", "--project", project)
        self.source = ("--json", "--metadata", metadata_of(sandbox.root))

    def plan(self, *arguments: str) -> Finished:
        """Write a plan file."""
        done = self.sandbox.mfwb(
            "plan", *self.pathspecs, *self.to, *self.source, *arguments, "--out", "plan.json"
        )
        assert done.code == 0, done.err
        return done

    def carry_out(self, *arguments: str) -> Finished:
        """Carry the plan file out."""
        return self.sandbox.mfwb("sync", "--plan", "plan.json", *self.source, *arguments)

    def edit(self, change: Callable[[dict[str, Any]], object], *, sealed: bool = True) -> None:
        """Change the plan file as somebody does who knows how its checksum is made, or not."""
        path = self.sandbox.root / "plan.json"
        document = json.loads(path.read_text(encoding="utf-8"))
        checksum = document.pop("checksum")
        change(document)
        document["checksum"] = _checksum(document) if sealed else checksum
        path.write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture
def place(online: Sandbox, flow_run: Callable[[str], str], flows_root: Path, project: str) -> Place:
    """Return two copies of a flow run, in a folder of their own."""
    origin = flow_run("two_flow")
    flow = origin.partition("/")[0]
    (online.root / ".metaflow").mkdir()
    copytree(flows_root / ".metaflow" / flow, online.root / ".metaflow" / flow)
    copies = [
        copy_flow_run(online.root, origin, started_at_ms=NOW + 60_000 * number)
        for number in range(2)
    ]
    return Place(online, copies, project)


def refusal(done: Finished) -> str:
    """Return the one line with which a plan was refused."""
    [line] = done.err.splitlines()
    assert (done.code, done.out) == (2, "")
    return line


def test_exactly_the_plan(place: Place, w_and_b: WandbServer) -> None:
    """Flags count again; then all is unchanged, and a plan of that says so, and does nothing."""
    planned = place.plan("--no-datasets", "--online")

    done = place.carry_out()

    assert done.code == 0, done.err
    flow_runs = done.document["flow_runs"]
    assert [item["status"] for item in flow_runs] == ["synced"] * 2
    assert {item["project"] for item in flow_runs} == {place.to[3]}
    runs = [run for item in flow_runs for run in item["wandb_runs"]]
    expected = [run for item in planned.document["flow_runs"] for run in item["wandb_runs"]]
    assert [(run["id"], run["fingerprint"]) for run in runs] == [
        (run["id"], run["fingerprint"]) for run in expected
    ]
    assert {run["action"] for run in expected} == {"create"}

    assert "it was synced since" in refusal(place.carry_out())
    before = w_and_b.state.snapshot()
    again = place.plan("--no-datasets")
    nothing = place.carry_out()
    assert [item["change"] for item in again.document["flow_runs"]] == ["unchanged"] * 2
    assert [item["status"] for item in nothing.document["flow_runs"]] == ["unchanged"] * 2
    assert w_and_b.state.snapshot() == before


def test_what_changed_is_said_and_refused(place: Place, w_and_b: WandbServer) -> None:
    """Tags, settings, W&B runs, the provider and the version: a line each, and nothing written."""
    assert place.sandbox.mfwb("sync", *place.pathspecs, *place.to, *place.source).code == 0
    first, second = place.pathspecs
    tag_flow_run(place.sandbox.root, first, "checked", at_ms=NOW + 3_600_000)
    tagged = place.plan()
    [changed, same] = tagged.document["flow_runs"]
    assert (changed["change"], changed["reasons"]) == ("changed", ["tag + checked"])
    assert {run["action"] for run in changed["wandb_runs"]} == {"update"}
    assert all({"tags", "config"} <= set(run["reasons"]) for run in changed["wandb_runs"])
    assert (same["change"], {run["action"] for run in same["wandb_runs"]}) == (
        "unchanged",
        {"keep"},
    )

    before = w_and_b.state.snapshot()
    tag_flow_run(place.sandbox.root, first, "late", at_ms=NOW + 7_200_000)
    assert f"{first} is not as planned: tag + late" in refusal(place.carry_out())
    tag_flow_run(place.sandbox.root, second, "late", at_ms=NOW + 7_200_000)
    assert "(and 1 more flow runs)" in refusal(place.carry_out())
    place.plan()
    assert "setting models: default → false" in refusal(place.carry_out("--no-models"))
    assert "its destination was" in refusal(place.carry_out("--project", "elsewhere"))
    assert "setting force: false → true" in refusal(place.carry_out("--force"))
    other = (*("sync", "--plan", "plan.json", "--json"), "--metadata", "local@/nowhere")
    assert place.sandbox.mfwb(*other).code in (2, 4)
    place.edit(lambda plan: plan.update(mfwb="0.0.1"))
    assert "was made by mfwb 0.0.1" in refusal(place.carry_out())
    assert w_and_b.state.snapshot() == before

    place.plan("--online")
    done = place.carry_out()
    assert [item["status"] for item in done.document["flow_runs"]] == ["synced"] * 2, done.err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is not JSON"),
        (b'{"format": "mfwb plan", "ver', "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b"[]", "is no plan of mfwb"),
        (b'{"command": "plan", "flow_runs": []}', "is no plan of mfwb"),
        (None, "can't be read: "),
    ],
)
def test_what_is_no_plan(content: bytes | None, reason: str, sandbox: Sandbox) -> None:
    """Whatever the file holds, it is one line and exit code 2."""
    if content is not None:
        (sandbox.root / "plan.json").write_bytes(content)

    assert reason in refusal(sandbox.mfwb("sync", "--plan", "plan.json"))


def _set(name: str, value: Any, plan: dict[str, Any]) -> None:
    plan[name] = value


def _rename(pathspec: str, plan: dict[str, Any]) -> None:
    plan["flow_runs"][0]["pathspec"] = pathspec


def test_who_edits_a_plan_gains_nothing(place: Place, tmp_path: Path) -> None:
    """An edit shows; with a new checksum, neither harmful settings nor wrong types are taken."""
    place.plan()
    whole = (place.sandbox.root / "plan.json").read_bytes()

    def refused(change: Callable[[dict[str, Any]], object], *, with_checksum: bool = True) -> str:
        (place.sandbox.root / "plan.json").write_bytes(whole)
        place.edit(change, sealed=with_checksum)
        return refusal(place.carry_out())

    def first(plan: dict[str, Any]) -> dict[str, Any]:
        flow_run: dict[str, Any] = plan["flow_runs"][0]
        return flow_run

    edited = refused(lambda plan: plan.update(online=True), with_checksum=False)
    assert "was changed after the plan was made" in edited
    for flags in (
        {"unpickle": "trusted"},
        {"path_roots": ["/"]},
        {"settings": {"base_url": "http://evil.example"}},
        {"dir": str(tmp_path / "elsewhere")},
        {"metadata": "local@/"},
        {"force": True},
    ):
        assert "may not set" in refused(partial(_set, "flags", flags))
    assert "is no plan of mfwb: flow_runs" in refused(lambda plan: plan.update(flow_runs=7))
    assert "has a flow run twice" in refused(
        lambda plan: plan["flow_runs"].append(plan["flow_runs"][0])
    )
    assert "is not as planned" in refused(lambda plan: first(plan).update(digest="0" * 64))
    for name in ("../../etc/passwd", "F/1\n\x1b[31m", "F", ""):
        assert refused(partial(_rename, name))
    (place.sandbox.root / "plan.json").unlink()
    os.mkfifo(place.sandbox.root / "plan.json")
    assert "it is not a file" in refusal(place.carry_out())


def test_no_secret_is_in_it(place: Place) -> None:
    """No key, and no value of W&B's settings or of patterns of secrets."""
    key = "5ca1ab1e" * 5
    settings = f"""
[settings]
api_key = "{key}"
run_notes = "note-4711"
[redact]
patterns = ["pattern-4712"]
"""
    (place.sandbox.root / "own.toml").write_text(settings, encoding="utf-8")
    place.plan("--config", "own.toml", "--path-root", str(place.sandbox.root))

    text = (place.sandbox.root / "plan.json").read_text(encoding="utf-8")

    assert key not in text
    assert "4711" not in text
    assert "4712" not in text
    needed = refusal(place.carry_out("--config", "own.toml"))
    assert "path_roots" in needed


def _delete(place: Place, run_id: str) -> None:
    project = f"acme/{place.to[3]}"
    api = wandb.Api(
        overrides={"base_url": place.sandbox.extra["WANDB_BASE_URL"]},
        api_key=place.sandbox.extra["WANDB_API_KEY"],
    )
    api.run(f"{project}/{run_id}").delete()


def _ledger(place: Place) -> bytes:
    return (place.sandbox.root / "state" / "ledger.sqlite").read_bytes()


def test_what_others_do_in_w_and_b(place: Place, w_and_b: WandbServer) -> None:
    """Deleted and foreign W&B runs: plans say what a sync does, and a plan file before it fails."""
    del place.pathspecs[1:]
    where = (*place.pathspecs, *place.to, *place.source)

    def plan(*arguments: str) -> Any:
        return place.sandbox.mfwb("plan", *where, *arguments).document["flow_runs"][0]

    done = place.sandbox.mfwb("sync", *where)
    assert done.code == 0, done.err
    *_, last = done.document["flow_runs"][0]["wandb_runs"]
    place.plan("--online")
    kept = place.carry_out()
    assert [item["status"] for item in kept.document["flow_runs"]] == ["unchanged"], kept.err
    assert kept.document["totals"]["seconds"] > 0

    outputs = done.document["flow_runs"][0]["wandb_runs"][0]["outputs"]
    elsewhere = place.sandbox.mfwb("plan", *where, "--online", MFWB_STATE_DIR="elsewhere")
    seen = elsewhere.document["flow_runs"][0]["wandb_runs"][0]["outputs"]
    assert [(item["name"], item["size"], item["size_is_estimate"]) for item in seen] == [
        (item["name"], item["size"], False) for item in outputs
    ]

    place.plan("--online")
    _delete(place, last["id"])
    before = (w_and_b.state.snapshot(), _ledger(place))
    assert f"W&B has another state of {last['name']}" in refusal(place.carry_out())
    assert plan("--online")["wandb_runs"][-1]["action"] == "skip"
    assert "was deleted in W&B" in plan("--online", "--on-deleted", "fail")["reason"]
    assert (w_and_b.state.snapshot(), _ledger(place)) == before

    synced = place.sandbox.mfwb("sync", *where)
    assert synced.document["flow_runs"][0]["wandb_runs"][-1]["deleted"]
    before = (w_and_b.state.snapshot(), _ledger(place))
    for online in ((), ("--online",)):
        assert plan(*online)["wandb_runs"][-1]["action"] == "skip"
        assert "was deleted in W&B" in plan(*online, "--on-deleted", "fail")["reason"]
        again = plan(*online, "--on-deleted", "recreate")
        assert [run["action"] for run in again["wandb_runs"]] == ["keep", "create"]
    assert (w_and_b.state.snapshot(), _ledger(place)) == before
    anew = place.sandbox.mfwb("sync", *where, "--on-deleted", "recreate")
    assert [item["status"] for item in anew.document["flow_runs"]] == ["synced"]


_FOREIGN = """
import sys, wandb
with wandb.init(entity="acme", project=sys.argv[1], id=sys.argv[2]) as run:
    run.log({"loss": 1})
"""


@pytest.mark.exhaustive
def test_a_foreign_w_and_b_run(place: Place, w_and_b: WandbServer) -> None:
    """A W&B run of that id that mfwb did not write: a plan fails with the reason of the sync."""
    del place.pathspecs[1:]
    where = (*place.pathspecs, *place.to, *place.source)
    place.plan()
    run_id = place.sandbox.mfwb("plan", *where).document["flow_runs"][0]["wandb_runs"][0]["id"]
    made = place.sandbox.python(_FOREIGN, place.to[3], run_id)
    assert made.code == 0, made.err
    before = w_and_b.state.snapshot(f"acme/{place.to[3]}")

    planned = place.sandbox.mfwb("plan", *where, "--online")
    synced = place.carry_out()

    [reason], [again] = (
        [item["reason"] for item in done.document["flow_runs"]] for done in (planned, synced)
    )
    assert run_id in reason
    assert reason == again
    assert planned.code == synced.code == 1
    assert w_and_b.state.snapshot(f"acme/{place.to[3]}") == before


def test_killed_and_two_at_once(place: Place, w_and_b: WandbServer) -> None:
    """While one carries a plan out, another may not; after a kill, a new plan completes it."""
    del place.pathspecs[1:]
    place.plan()
    whole = (place.sandbox.root / "plan.json").read_bytes()
    held = w_and_b.hold("MfwbClaimRun")
    command = ("sync", "--plan", "plan.json", *place.source)
    first = place.sandbox.start_mfwb(*command)
    held.wait(60)
    second = place.carry_out()
    first.close()
    held.release()
    w_and_b.clear_faults()

    assert (second.code, second.out) == (5, ""), second.err
    assert "a sync of it was begun since, and did not end" in refusal(place.carry_out())
    (place.sandbox.root / "plan.json").unlink()
    os.mkfifo(place.sandbox.root / "plan.json")
    to = (*place.pathspecs, *place.to, *place.source)
    assert "--out: " in refusal(place.sandbox.mfwb("plan", *to, "--out", "plan.json"))
    (place.sandbox.root / "plan.json").unlink()
    again = place.plan()
    assert [item["change"] for item in again.document["flow_runs"]] == ["unfinished"]
    assert (place.sandbox.root / "plan.json").read_bytes() != whole
    done = place.carry_out()
    assert [item["status"] for item in done.document["flow_runs"]] == ["synced"], done.err


_FROM_PYTHON = """
import sys, mfwb
pathspec, project, metadata = sys.argv[1:]
planned = mfwb.plan(
    pathspec, online=True, out="p.json", entity="acme", project=project, metadata=metadata
)
done = mfwb.sync(plan="p.json", metadata=metadata)
[before], [after] = planned.flow_runs, done.flow_runs
print(before.change.value, planned.estimate.requests > 0, after.status.value)
for pathspecs in ([], [pathspec]):
    try:
        mfwb.sync(*pathspecs, plan="p.json", metadata=metadata)
    except mfwb.errors.UsageError as error:
        print(error)
"""


def test_from_python(place: Place) -> None:
    """The same by `mfwb.plan(out=...)` and `mfwb.sync(plan=...)`."""
    arguments = (place.pathspecs[0], place.to[3], metadata_of(place.sandbox.root))

    done = place.sandbox.python(_FROM_PYTHON, *arguments)

    assert done.code == 0, done.err
    worked, synced, selected = done.out.splitlines()
    assert worked == "new True synced"
    assert "it was synced since" in synced
    assert "select none beside it" in selected
