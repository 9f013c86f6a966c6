"""What a verification reads of W&B: all of it, in few requests; an outage is never "not there"."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfwb.errors import ItemLost, SinkError
from mfwb.verification.received import ReceivedFile
from mfwb.verification.recorded import Recorded, RecordedArtifact, RecordedFlowRun, RecordedRun
from mfwb.verification.recorded_online import queries
from tests.integration.results import Synced, metadata_of
from tests.integration.verification.conftest import OpenProject
from tests.support.sandbox import Sandbox
from tests.support.wandb_damage import Damage
from tests.support.wandb_server import RunSnapshot, WandbServer

Sync = Callable[..., Synced]


def artifact_bytes(project: Recorded, artifact: RecordedArtifact, path: str) -> bytes:
    """Return the bytes of a file of an artifact."""
    copy = io.BytesIO()
    received = ReceivedFile(copy, 10**9)
    project.read_artifact_file(artifact, path, received)
    assert received.is_copied
    return copy.getvalue()


def run_bytes(project: Recorded, run: RecordedRun, path: str) -> bytes:
    """Return the bytes of a file of a W&B run."""
    copy = io.BytesIO()
    project.read_run_file(run, path, ReceivedFile(copy, 10**9))
    return copy.getvalue()


_OF_WANDB = {"_step", "_runtime", "_timestamp"}


def test_all_that_w_and_b_has_is_read(recorded: OpenProject, synced: Sync) -> None:
    """Each part of each W&B run is the server's state."""
    done = synced("fan_flow")

    with recorded(done.project) as project:
        flow_run = project.flow_run(done.pathspec)

    states = done.server.state.runs(f"acme/{done.project}")
    assert [run.id for run in flow_run.runs] == list(states)
    for run in flow_run.runs:
        _assert_as_kept(run, states[run.id])


def _assert_as_kept(run: RecordedRun, state: RunSnapshot) -> None:
    assert run.name == state.display_name
    assert (run.group, run.job_type, run.state) == (state.group, state.job_type, state.state)
    assert run.tags == {*state.tags}
    assert run.config == state.config
    assert run.summary == state.summary
    assert run.history == {
        row["_step"]: {key: value for key, value in row.items() if key not in _OF_WANDB}
        for row in state.history
    }
    assert run.log == [item.line for item in state.console]
    assert {path: item.size for path, item in run.files.items()} == {
        path: len(content) for path, content in state.files.items()
    }
    tables = [item for item in state.logged if item.type == "run_table"]
    assert [item.key for item in run.logged] == [
        item.name for item in state.logged if item not in tables
    ]
    assert [item.key for item in run.used] == [item.name for item in state.used]
    for item, kept in zip(run.used, state.used, strict=True):
        assert item.digest == kept.digest
        assert {*item.aliases} == {*kept.aliases}
        assert {path: file.md5 for path, file in item.files.items()} == {
            path: entry["digest"] for path, entry in kept.manifest.items()
        }
        assert f"acme/{state.path.split('/')[1]}/{item.producer}" == kept.logged_by
    assert run.runtime == state.runtime


def test_the_bytes_are_those_that_are_kept(recorded: OpenProject, synced: Sync) -> None:
    """Files of artifacts and of W&B runs, each as W&B gives it back."""
    done = synced("fan_flow")

    with recorded(done.project) as project:
        flow_run = project.flow_run(done.pathspec)
        read = {
            (item.key, path): artifact_bytes(project, item, path)
            for run in flow_run.runs
            for item in run.logged
            for path in item.files
        }
        files = {
            (run.id, path): run_bytes(project, run, path)
            for run in flow_run.runs
            for path in run.files
        }

    versions = {
        artifact.name: artifact for artifact in done.server.state.artifacts(f"acme/{done.project}")
    }
    states = done.server.state.runs(f"acme/{done.project}")
    assert read
    assert read == {key: versions[key[0]].files[key[1]] for key in read}
    assert files == {key: states[key[0]].files[key[1]] for key in files}


def test_few_requests(recorded: OpenProject, synced: Sync, w_and_b: WandbServer) -> None:
    """One for all W&B runs, one for all aliases, and one for each content; they are counted."""
    done = synced("fan_flow")
    with recorded(done.project) as project:
        w_and_b.clear_requests()
        flow_run = project.flow_run(done.pathspec)
        counted = project.requests
        again = project.flow_run(done.pathspec)
        counted_again = project.requests - counted

    contents = {item.key for run in flow_run.runs for item in (*run.logged, *run.used)}
    sent = [
        request for request in w_and_b.requests_without_metrics if request.operation != "Viewer"
    ]
    assert counted == 2 + len(contents)
    assert counted_again == 2  # what was read of a version stays so
    assert len(sent) == counted + counted_again
    assert again == flow_run


def test_page_after_page(
    recorded: OpenProject, synced: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W&B runs, files, artifacts, lines and rows that need several pages are all read."""
    done = synced("fan_flow")
    with recorded(done.project) as project:
        whole = project.flow_run(done.pathspec)
    monkeypatch.setattr("mfwb.verification.recorded_online.project._RUNS_PER_PAGE", 2)
    monkeypatch.setattr("mfwb.verification.recorded_online.project._STEPS_PER_REQUEST", 1)
    monkeypatch.setattr(queries, "STEPS_AT_ONCE", 1)
    monkeypatch.setattr(
        "mfwb.verification.recorded_online.queries._PER_PAGE",
        dict.fromkeys(("files", "inputArtifacts", "outputArtifacts", "logLines"), 1),
    )

    with recorded(done.project) as project:
        in_pages = project.flow_run(done.pathspec)

    assert in_pages == whole


def test_the_bundle_says_the_same(
    recorded: OpenProject, synced: Sync, online: Sandbox, flows_root: Path
) -> None:
    """Before a push, the bundle has what an online sync wrote, but for W&B's own files."""
    done = synced("fan_flow")
    where = ("--mode", "offline", "--dir", "bundle", "--entity", "acme")
    fixed = ("--project", done.project, "--metadata", metadata_of(flows_root))
    offline = online.mfwb("sync", done.pathspec, *where, *fixed)
    assert offline.code == 0, offline.err

    with recorded(done.project) as project:
        sent = project.flow_run(done.pathspec)
    with recorded(done.project, bundle=online.root / "bundle") as project:
        bundled = project.flow_run(done.pathspec)
        data = {
            (item.name, path): artifact_bytes(project, item, path)
            for run in bundled.runs
            for item in run.logged
            for path in item.files
        }

    assert _comparable(bundled) == _comparable(sent)
    versions = {
        artifact.name.split(":")[0]: artifact
        for artifact in done.server.state.artifacts(f"acme/{done.project}")
    }
    assert {key for key in data if data[key] == versions[key[0]].files.get(key[1])} >= {
        ("side", "side.parquet"),
        ("total", "total.parquet"),
    }


def _comparable(flow_run: RecordedFlowRun) -> dict[str, Any]:
    own = {"config.yaml", "wandb-summary.json", "wandb-metadata.json"}
    return {
        run.name: {
            "same": (run.id, run.group, run.job_type, run.state, run.tags, run.notes, run.runtime),
            "start": run.started_at,
            "config": {key: value for key, value in run.config.items() if key != "mfwb"},
            "history": run.history,
            "log": run.log,
            "files": {path for path in run.files if path not in own},
            "logged": sorted(map(_described, run.logged)),
            "used": sorted(map(_described, run.used)),
        }
        for run in flow_run.runs
    } | {
        "aliases": {
            key: [version.digest for version in versions]
            for key, versions in flow_run.aliased.items()
        }
    }


def _described(artifact: RecordedArtifact) -> str:
    files = sorted((file.path, file.size, file.md5) for file in artifact.files.values())
    return json.dumps([artifact.name, artifact.type, artifact.digest, artifact.producer, files])


def test_a_group_that_nobody_wrote(recorded: OpenProject, synced: Sync) -> None:
    """No W&B runs are an answer, as is a project that W&B does not list."""
    with recorded(synced("fan_flow").project) as project:
        assert project.flow_run("FanFlow/0").runs == []
    with recorded("nobody-wrote-this") as project:
        assert project.flow_run("FanFlow/0").runs == []


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("MfwbVerifyRuns", "fail"),
        ("MfwbVerifyRuns", "null"),
        ("MfwbVerifyAliases", "fail"),
        ("MfwbVerifyAliases", "null"),
        ("download", "fail"),
    ],
)
def test_an_outage_is_never_not_there(
    recorded: OpenProject, synced: Sync, w_and_b: WandbServer, what: str, how: str
) -> None:
    """Whatever request goes wrong: an error, and no empty answer."""
    done = synced("fan_flow")
    with recorded(done.project, timeout="1s") as project:
        if how == "fail":
            # wandb-core itself tries GraphQL again for 19 s, unless the answer is final.
            w_and_b.fail(what, 503 if what == "download" else 400, times=None)
        else:
            w_and_b.null(what, times=None)
        try:
            with pytest.raises(SinkError):
                project.flow_run(done.pathspec)
        finally:
            w_and_b.clear_faults()


def test_a_short_outage_is_waited_for(
    recorded: OpenProject, synced: Sync, w_and_b: WandbServer
) -> None:
    """A request that fails once is sent again, and counted again."""
    done = synced("fan_flow")
    with recorded(done.project, timeout="20s") as project:
        whole = project.flow_run(done.pathspec)
    with recorded(done.project, timeout="20s") as project:
        w_and_b.fail("download", 503)
        w_and_b.cut("download", after=1)
        again = project.flow_run(done.pathspec)

    assert again == whole


def test_bytes_that_are_gone(recorded: OpenProject, synced: Sync, w_and_b: WandbServer) -> None:
    """A file that W&B lists and does not have is a lost item; no other error is taken for that."""
    done = synced("fan_flow")
    with recorded(done.project, timeout="1s") as project:
        flow_run = project.flow_run(done.pathspec)
        [side] = [item for run in flow_run.runs for item in run.logged if item.name == "side"]
        w_and_b.fail("download", 404)
        with pytest.raises(ItemLost):
            artifact_bytes(project, side, "side.parquet")
        w_and_b.fail("download", 500, times=None)
        try:
            with pytest.raises(SinkError):
                artifact_bytes(project, side, "side.parquet")
        finally:
            w_and_b.clear_faults()


def test_damage_is_seen(recorded: OpenProject, synced: Sync, w_and_b: WandbServer) -> None:
    """Rows that are there twice, and a manifest with another checksum, are read as they are."""
    done = synced("fan_flow")
    damage = Damage(w_and_b, f"acme/{done.project}")
    with damage.undone(), recorded(done.project) as project:
        each = damage.run("each")
        each.history.append(each.history[0])
        damage.set_entry("side", "side.parquet", digest="AAAA")
        flow_run = project.flow_run(done.pathspec)

    runs = {run.job_type: run for run in flow_run.runs}
    [side] = runs["once"].logged
    assert list(runs["each"].repeated_steps) == [json.loads(each.history[0])["_step"]]
    assert side.files["side.parquet"].md5 == "AAAA"
