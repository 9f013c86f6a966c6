"""What is done is not done again, whoever else is at work, and whatever was deleted or changed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import wandb

from tests.faults.scene import differences, settled
from tests.integration.results import metadata_of, run_id_of, wandb_run
from tests.support.sandbox import Finished, Sandbox, end
from tests.support.wandb_server import Assumptions, Incoming, RunSnapshot, WandbServer
from tests.support.warm import Process

PROJECT = "acme/p"
MORE = pytest.mark.exhaustive


@dataclass(frozen=True)
class Place:
    """A server, and a folder with flow runs of `numbered_flow`, oldest first."""

    server: WandbServer
    sandbox: Sandbox
    pathspecs: tuple[str, ...]

    def sync(self, *arguments: str, machine: str = "one") -> Finished:
        """Sync from a machine, each of which has a ledger of its own."""
        return self.sandbox.mfwb(*self.arguments(*arguments), **self.state_of(machine))

    def start(self, *arguments: str, machine: str = "one") -> Process:
        """Start to sync from a machine."""
        return self.sandbox.start_mfwb(*self.arguments(*arguments), **self.state_of(machine))

    def push(self, bundle: str) -> Finished:
        """Push a bundle."""
        return self.sandbox.mfwb("push", bundle, "--json", **self.state_of("one"))

    def arguments(self, *arguments: str) -> tuple[str, ...]:
        """Return a command line."""
        location = ("--entity", "acme", "--project", "p")
        return (
            "sync",
            *arguments,
            "--json",
            *location,
            "--metadata",
            metadata_of(self.sandbox.root),
        )

    def state_of(self, machine: str) -> dict[str, str]:
        """Return where a machine has its ledger."""
        return {"MFWB_STATE_DIR": str(self.sandbox.root / machine)}

    def state(self) -> dict[str, Any]:
        """Return all that the server has."""
        return settled(self.server.state.snapshot(PROJECT))


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    """Return a folder with three flow runs, oldest first."""
    root = tmp_path_factory.mktemp("numbered")
    pathspecs = []
    for number in (1, 2, 3):
        done = Sandbox(root).flow(
            "numbered_flow", "run", "--number", str(number), "--run-id-file", "id.txt"
        )
        assert done.code == 0, done.err
        pathspecs.append(f"NumberedFlow/{(root / 'id.txt').read_text(encoding='utf-8')}")
    return root, tuple(pathspecs)


@pytest.fixture
def place(numbered: tuple[Path, tuple[str, ...]], tmp_path: Path) -> Iterator[Place]:
    """Return a place with a server of its own."""
    root, pathspecs = numbered
    folder = tmp_path / "flow-runs"
    subprocess.run(["cp", "-r", str(root), str(folder)], check=True)
    with WandbServer() as server:
        known = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        yield Place(server, Sandbox(folder, known), pathspecs)


def statuses(done: Finished) -> list[str]:
    """Return what became of each flow run."""
    assert done.code == 0, done.err
    return [item["status"] for item in done.document["flow_runs"]]


def test_without_a_ledger_wandb_is_asked_in_bulk(place: Place) -> None:
    """Another machine asks once for all flow runs, and writes nothing."""
    assert statuses(place.sync("--all")) == ["synced"] * 3
    before = place.state()
    place.server.clear_requests()

    assert statuses(place.sync("--all", machine="other")) == ["unchanged"] * 3
    requested = [request.operation for request in place.server.requests]
    place.server.clear_requests()
    assert statuses(place.sync("--all", machine="other")) == ["unchanged"] * 3

    assert place.state() == before
    # Few flow runs are looked up one by one; tests/unit/pipeline/test_sync.py has many.
    assert requested.count("Runs") <= 3
    assert not {"UpsertBucket", "MfwbClaimRun"} & set(requested)
    assert {"Runs"} & {request.operation for request in place.server.requests} == set()


def test_new_tags_change_words_only(place: Place) -> None:
    """Tags that were edited later reach W&B; nothing is uploaded, no row is added."""
    flow_run = place.pathspecs[1]
    place.sync("--all")
    before = place.state()
    _run(place, f"import metaflow; metaflow.Run({flow_run!r}).add_tags(['good'])")
    place.server.clear_requests()
    uploaded = place.server.uploaded_bytes

    done = place.sync("--all")

    assert statuses(done) == ["unchanged", "synced", "unchanged"]
    runs = place.server.state.runs(PROJECT).values()
    assert {run.tags for run in runs if run.group == flow_run} == {("good",)}
    assert all(run.config["metaflow"]["tags"] == ["good"] for run in runs if run.group == flow_run)
    assert place.server.uploaded_bytes == uploaded
    assert place.server.count("file_stream") == 0
    changed = differences(place.state(), before)
    texts = ("/tags: ", "/mfwb/fingerprint: ", "/mfwb/wrote: ", "/mfwb/complete: ")
    assert [line for line in changed if not any(word in line for word in texts)] == []
    assert statuses(place.sync("--all")) == ["unchanged"] * 3


_EDITS = ["config number", "group", "job type", "name"]


def _edited(place: Place, run_id: str) -> None:
    """Change a W&B run as people do, by W&B's public Api; one of mfwb's tags is removed.

    It is done here, not in a new process: a sync that is held meanwhile asks again after a time.
    """
    run = _run_of(place, run_id)
    run.tags = [tag for tag in run.tags if tag != "late"] + ["mine"]
    run.display_name, run.group, run.job_type, run.notes = "Best", "Paper", "final", "Look here."
    run.config["note"], run.config["number"] = "cited", 7
    run.config["metaflow"]["seen"] = "yes"
    run.summary["verdict"] = {"by": "me", "good": [1, None]}
    run.update()


def _run_of(place: Place, run_id: str) -> Any:
    at = {"base_url": place.server.base_url}
    return wandb.Api(overrides=at, api_key=place.server.api_key).run(f"{PROJECT}/{run_id}")


def _assert_is_edited(run: RunSnapshot) -> None:
    assert (run.display_name, run.group, run.job_type) == ("Best", "Paper", "final")
    assert run.config["number"] == 7
    _assert_is_added(run)


def _assert_is_added(run: RunSnapshot) -> None:
    assert "mine" in run.tags
    assert run.notes == "Look here."
    assert run.config["note"] == "cited"
    assert run.config["metaflow"]["seen"] == "yes"
    assert run.summary["verdict"] == {"by": "me", "good": [1, None]}


def _edits_of(done: Finished, pathspec: str, what: str) -> list[str]:
    return sorted(wandb_run(done.document, f"{pathspec}/start")[what])


def test_what_people_wrote_stays(place: Place) -> None:
    """Whatever makes mfwb write a W&B run again: tags of Metaflow, settings, a bundle."""
    [flow_run, *_] = place.pathspecs
    tag = "import metaflow; metaflow.Run({!r}).{}"
    _run(place, tag.format(flow_run, "add_tags(['early', 'late'])"))
    run_id = run_id_of(place.sync(flow_run).document, f"{flow_run}/start")

    # Words alone are changed, and the person comes between what is listed and what is written.
    _run(place, tag.format(flow_run, "replace_tags(['early'], ['new'])"))
    held = place.server.hold("Run")
    process = place.start(flow_run, "--workers", "1")
    held.wait()
    _edited(place, run_id)
    held.release()
    done = end(process)
    assert statuses(done) == ["synced"]
    run = place.server.state.run(f"{PROJECT}/{run_id}")
    _assert_is_edited(run)
    assert sorted(run.tags) == ["mine", "new"]
    assert run.config["metaflow"]["tags"] == ["late", "new"]
    assert _edits_of(done, flow_run, "edits_kept") == [*_EDITS, "tag late"]
    [other] = [item for item in place.server.state.runs(PROJECT).values() if item.id != run_id]
    assert (other.display_name, sorted(other.tags)) == (f"{flow_run}/end", ["late", "new"])

    # The whole of it is written again, and then so that edits of mfwb's words give way.
    done = place.sync(flow_run, "--no-datasets")
    run = place.server.state.run(f"{PROJECT}/{run_id}")
    _assert_is_edited(run)
    assert run.summary["losses"] == 1.0  # the last point of its chart
    assert _edits_of(done, flow_run, "edits_kept") == [*_EDITS, "tag late"]
    done = place.sync(flow_run, "--overwrite-edits")
    run = place.server.state.run(f"{PROJECT}/{run_id}")
    _assert_is_added(run)
    assert (run.display_name, run.group, run.job_type) == (f"{flow_run}/start", flow_run, "start")
    assert run.config["number"] == 1
    assert sorted(run.tags) == ["late", "mine", "new"]
    assert _edits_of(done, flow_run, "edits_undone") == [*_EDITS, "tag late"]
    assert _edits_of(done, flow_run, "edits_kept") == []


def test_what_people_wrote_stays_when_a_bundle_is_pushed_again(place: Place) -> None:
    """Where a W&B run is sent again as a whole, as `wandb sync` does that."""
    [flow_run, *_] = place.pathspecs
    to = ("--mode", "offline", "--dir", "bundle")
    run_id = run_id_of(place.sync(flow_run, *to).document, f"{flow_run}/start")
    assert statuses(place.push("bundle")) == ["synced"]
    _edited(place, run_id)

    _run(place, f"import metaflow; metaflow.Run({flow_run!r}).add_tags(['new'])")
    assert statuses(place.sync(flow_run, *to, "--no-datasets")) == ["synced"]
    done = place.push("bundle")

    assert statuses(done) == ["synced"]
    run = place.server.state.run(f"{PROJECT}/{run_id}")
    _assert_is_edited(run)
    assert sorted(run.tags) == ["mine", "new"]
    assert _edits_of(done, flow_run, "edits_kept") == _EDITS


@MORE
def test_changed_settings_change_only_that(place: Place) -> None:
    """What is switched on later is added; what is there is neither sent nor doubled."""
    [flow_run, *_] = place.pathspecs
    assert statuses(place.sync(flow_run, "--no-datasets")) == ["synced"]
    rows = {run.id: len(run.history) for run in place.server.state.runs(PROJECT).values()}

    assert statuses(place.sync(flow_run)) == ["synced"]

    assert {r.id: len(r.history) for r in place.server.state.runs(PROJECT).values()} == rows
    assert place.server.state.artifact(f"{PROJECT}/frame:v0").used_by
    assert statuses(place.sync(flow_run)) == ["unchanged"]


@pytest.mark.parametrize("order", [(2, 0, 1), pytest.param((1, 2, 0), marks=MORE)])
def test_latest_is_the_newest_flow_runs(place: Place, order: tuple[int, ...]) -> None:
    """Backfilling what is older does not move `latest`."""
    for number in order:
        assert statuses(place.sync(place.pathspecs[number])) == ["synced"]

    newest = place.server.state.artifact(f"{PROJECT}/frame:latest")
    assert newest.metadata["metaflow"]["flow_run"] == place.pathspecs[2]
    alias = f"run-{place.pathspecs[2].split('/')[1]}"
    assert alias in newest.aliases


_LIVE = """
import sys
import wandb
with wandb.init(entity="acme", project="p") as run:
    artifact = wandb.Artifact("frame", type="dataset")
    with artifact.new_file("live.txt") as file:
        file.write("live")
    run.log_artifact(artifact).wait()
"""


def test_latest_stays_with_a_newer_version_of_somebody_else(place: Place) -> None:
    """A live W&B run logged it after the flow runs had ended: these are backfilled behind it."""
    _run(place, _LIVE)

    assert statuses(place.sync("--all")) == ["synced"] * 3

    _latest_is_live(place)
    aliases = {
        aliase for run in place.server.state.runs(PROJECT).values() for aliase in _aliases(run)
    }
    assert aliases == {"latest", *(f"run-{pathspec.split('/')[1]}" for pathspec in place.pathspecs)}
    assert statuses(place.sync("--all", "--force", machine="other")) == ["synced"] * 3
    _latest_is_live(place)


@MORE
def test_latest_stays_with_somebody_else_in_a_push(place: Place) -> None:
    """As online."""
    _run(place, _LIVE)
    assert statuses(place.sync("--all", "--mode", "offline", "--dir", "bundle")) == ["synced"] * 3

    assert statuses(place.sandbox.mfwb("push", "bundle", "--json")) == ["synced"] * 3

    _latest_is_live(place)


@MORE
@pytest.mark.parametrize("moment", ["CommitArtifact", "CreateArtifact"])
def test_latest_is_given_back_to_somebody_else(place: Place, moment: str) -> None:
    """Who was a moment earlier than a sync that had begun to log its own."""
    held = place.server.hold(moment)
    process = place.start(place.pathspecs[0])
    held.wait(60)
    _run(place, _LIVE)
    held.release()

    assert end(process).code == 0

    _latest_is_live(place)


def _latest_is_live(place: Place) -> None:
    latest = place.server.state.artifact(f"{PROJECT}/frame:latest")
    assert list(latest.files) == ["live.txt"]
    assert list(latest.aliases) == ["latest"]


def _aliases(run: RunSnapshot) -> list[str]:
    named = [item for item in run.logged if item.name.startswith("frame:")]
    return [alias for item in named for alias in item.aliases]


@MORE
def test_latest_of_equal_content(place: Place) -> None:
    """Content that an older flow run logged first, and the newest again, is the latest."""
    done = place.sandbox.flow("numbered_flow", "run", "--number", "1")
    assert done.code == 0, done.err
    for pathspec in place.pathspecs[:2]:
        place.sync(pathspec)
    assert statuses(place.sync("NumberedFlow/latest")) == ["synced"]
    assert statuses(place.sync(place.pathspecs[2])) == ["synced"]

    newest = place.server.state.artifact(f"{PROJECT}/frame:latest")
    assert newest.version == "v0"
    assert len([alias for alias in newest.aliases if alias.startswith("run-")]) == 2


@pytest.mark.parametrize("machine", ["one", pytest.param("other", marks=MORE)])
def test_deleted_run_stays_away(place: Place, machine: str) -> None:
    """A W&B run that somebody deleted is not written again, with or without a ledger."""
    [flow_run, *_] = place.pathspecs
    run_id = run_id_of(place.sync(flow_run).document, f"{flow_run}/end")
    _delete(place, run_id)
    before = place.state()

    done = place.sync(flow_run, machine=machine)
    failed = place.sync(flow_run, "--on-deleted", "fail", machine=machine)

    assert statuses(done) == ["unchanged"]
    gone = [run["name"] for run in done.document["flow_runs"][0]["wandb_runs"] if run["deleted"]]
    assert gone == [f"{flow_run}/end"]
    assert failed.code == 1
    assert "deleted in W&B" in failed.document["flow_runs"][0]["reason"]
    assert place.state() == before


@MORE
def test_deleted_run_is_written_anew_if_asked_for(place: Place) -> None:
    """`--on-deleted recreate` writes it under another id, and knows it from then on."""
    [flow_run, *_] = place.pathspecs
    first = place.sync(flow_run)
    _delete(place, run_id_of(first.document, f"{flow_run}/end"))

    again = place.sync(flow_run, "--on-deleted", "recreate")
    new_id = run_id_of(again.document, f"{flow_run}/end")
    requests = place.server.count("MfwbClaimRun")
    third = place.sync(flow_run)
    elsewhere = place.sync(flow_run, machine="other")

    assert "-g1-" in new_id
    assert place.server.state.run(f"{PROJECT}/{new_id}").state == "finished"
    assert statuses(third) == statuses(elsewhere) == ["unchanged"]
    assert place.server.count("MfwbClaimRun") == requests


@pytest.mark.parametrize("history", ["counted", pytest.param("uncounted", marks=MORE)])
def test_two_machines_at_once(place: Place, history: Any) -> None:
    """Two that begin the same at once, each with its own ledger, end in one correct state."""
    place.server.assumptions = Assumptions(history_on_reinit=history)
    [flow_run, *_] = place.pathspecs
    processes = [place.start(flow_run, machine=machine) for machine in ("one", "two")]
    ends = [end(process) for process in processes]
    both = place.state()

    assert [done.code for done in ends] == [0, 0], ends
    with WandbServer(assumptions=place.server.assumptions) as alone:
        known = {"WANDB_BASE_URL": alone.base_url, "WANDB_API_KEY": alone.api_key}
        clean = Place(alone, Sandbox(place.sandbox.root, known), place.pathspecs)
        assert statuses(clean.sync(flow_run, machine="three")) == ["synced"]
        assert differences(both, clean.state()) == []


def test_another_machine_comes_before_the_end(place: Place) -> None:
    """Who wrote all, and finds that another one has written it again since, need not worry."""
    [flow_run, *_] = place.pathspecs

    def is_over(request: Incoming) -> bool:
        states = [run.state for run in place.server.store.runs.values()]
        return request.operation == "Runs" and states == ["finished", "finished"]

    held = place.server.hold(is_over)
    process = place.start(flow_run)
    held.wait()
    other = place.sync(flow_run, machine="two")
    held.release()
    done = end(process)

    assert (statuses(other), done.code) == (["synced"], 0), done
    assert statuses(place.sync(flow_run)) == ["unchanged"]


def test_another_sync_holds_the_lock(place: Place) -> None:
    """A second sync with the same ledger says who is at work, and exits 5; or it waits."""
    [flow_run, *_] = place.pathspecs
    held = place.server.hold("MfwbClaimRun")
    process = place.start(flow_run)
    held.wait()
    second = place.sync(flow_run)
    held.release()
    third = place.sync(flow_run, "--wait", "60s")

    assert end(process).code == 0
    assert second.code == 5
    assert f"pid {process.pid}" in second.err
    assert statuses(third) == ["unchanged"]


def _delete(place: Place, run_id: str) -> None:
    _run_of(place, run_id).delete()


def _run(place: Place, code: str) -> None:
    done = place.sandbox.python(code)
    assert done.code == 0, done.err
