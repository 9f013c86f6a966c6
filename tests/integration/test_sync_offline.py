"""`mfwb sync --mode offline`: complete `.wandb` files, edges included, no byte twice."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mfwb.sink.offline.wandb_file import read_records
from tests.faults.scene import bundle_of, differences
from tests.integration.results import edges_of, metadata_of, wandb_run
from tests.support.sandbox import Finished, Sandbox
from tests.support.versions import since
from tests.support.wandb_server import WandbServer

Offline = Callable[..., Finished]
FlowRuns = Callable[[str], str]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return where the bundle will be."""
    return tmp_path / "bundle"


def _written(sandbox: Sandbox, flows_root: Path, bundle: Path, *arguments: str) -> Finished:
    to = ("--mode", "offline", "--dir", str(bundle), "--entity", "acme", "--project", "offline")
    return sandbox.mfwb("sync", *to, "--json", "--metadata", metadata_of(flows_root), *arguments)


@pytest.fixture
def offline(sandbox: Sandbox, bundle: Path, flows_root: Path) -> Offline:
    """Return `mfwb sync --mode offline` of shared flow runs; there is no network at all."""

    def offline(*arguments: str) -> Finished:
        return _written(sandbox, flows_root, bundle, *arguments)

    return offline


@dataclass(frozen=True)
class Bundled:
    """A flow run that was synced into a bundle of its own."""

    pathspec: str
    bundle: Path
    done: Finished


@pytest.fixture(scope="module")
def bundled(
    flow_run: FlowRuns, flows_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Bundled]:
    """Return a function that syncs a flow of tests/flows once, for all tests that only look."""

    @cache
    def bundled(flow: str, *arguments: str) -> Bundled:
        pathspec = flow_run(flow)
        sandbox = Sandbox(tmp_path_factory.mktemp("bundled"))
        bundle = sandbox.root / "bundle"
        done = _written(sandbox, flows_root, bundle, pathspec, *arguments)
        assert done.code == 0, done.err
        return Bundled(pathspec, bundle, done)

    return bundled


def test_files_are_closed_and_complete(bundled: Callable[..., Bundled]) -> None:
    """Every W&B run is one file that begins with a run record and ends with its exit."""
    runs = bundled("failing_flow").done.document["flow_runs"][0]["wandb_runs"]
    assert len(runs) == 5
    for run in runs:
        kinds = [record.WhichOneof("record_type") for record in _records(run)]
        [exit_record] = [item for item in _records(run) if item.WhichOneof("record_type") == "exit"]
        assert kinds.count("run") == 1
        assert kinds[-1] == "exit"
        assert exit_record.exit.exit_code == (1 if run["job_type"] == "end" else 0)


def test_the_run_record_says_where_it_belongs(bundled: Callable[..., Bundled]) -> None:
    """Entity and project are settled when the file is written, since sync can't change them."""
    fan = bundled("fan_flow")
    pathspec = fan.pathspec

    run = _only(_records(wandb_run(fan.done.document, f"{pathspec}/each")), "run")
    assert (run.entity, run.project) == ("acme", "offline")
    assert (run.run_group, run.job_type, run.display_name) == (pathspec, "each", f"{pathspec}/each")


def test_uses_are_recorded_without_alias(bundled: Callable[..., Bundled]) -> None:
    """An edge is an artifact record that creates nothing and moves no `latest`."""
    fan = bundled("fan_flow")

    records = [
        record.artifact
        for record in _records(wandb_run(fan.done.document, f"{fan.pathspec}/gather"))
        if record.WhichOneof("record_type") == "artifact"
    ]
    used = [item for item in records if item.use_after_commit]
    assert {(item.name, item.user_created) for item in used} == {("part", True)}
    assert all(list(item.aliases) == [] for item in used)
    [picked] = [item for item in records if not item.use_after_commit]
    assert (picked.name, picked.user_created) == ("part", False)


def test_bytes_are_there_once(bundled: Callable[..., Bundled]) -> None:
    """Artifacts refer to one copy in the bundle; nothing is staged or cached besides."""
    bundle = bundled("fan_flow", "--granularity", "task").bundle

    digests = [
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (bundle / "payloads").rglob("*")
        if path.is_file()
    ]
    assert digests
    assert len(digests) == len(set(digests))
    assert not (bundle / "staging").exists()


def test_a_second_sync_writes_nothing(offline: Offline, bundle: Path, flow_run: FlowRuns) -> None:
    """Syncing again leaves the bundle as it is, byte for byte."""
    pathspec = flow_run("fan_flow")
    first = offline(pathspec)
    before = _tree(bundle)

    second = offline(pathspec)

    assert first.document["flow_runs"][0]["status"] == "synced"
    assert second.document["flow_runs"][0]["status"] == "unchanged"
    assert _tree(bundle) == before


def test_force_makes_the_same_files(offline: Offline, bundle: Path, flow_run: FlowRuns) -> None:
    """Writing again makes the same bundle, byte for byte: nothing in it is of now, or of chance."""
    pathspec = flow_run("fan_flow")
    offline(pathspec)
    before = _tree(bundle)

    done = offline(pathspec, "--force")

    assert done.document["flow_runs"][0]["status"] == "synced"
    assert len(list(bundle.glob("level-*/wandb/offline-run-*"))) == 7
    assert _tree(bundle) == before


def test_drafts_of_another_project_are_others(
    offline: Offline, bundle: Path, flow_run: FlowRuns
) -> None:
    """W&B looks drafts up by an id of the client's: the same id elsewhere would be the same one."""
    pathspec = flow_run("fan_flow")
    offline(pathspec)
    here = _client_ids(bundle)

    offline(pathspec, "--project", "elsewhere")

    assert here
    assert not here & _client_ids(bundle)


def test_what_a_kill_left_gives_way(offline: Offline, bundle: Path, flow_run: FlowRuns) -> None:
    """Half a W&B run, at a level it no longer has, is gone after the next sync."""
    pathspec = flow_run("fan_flow")
    done = offline(pathspec)
    run = Path(wandb_run(done.document, f"{pathspec}/each")["dir"])
    before = bundle_of(bundle)
    half = bundle / "level-07" / "wandb" / run.name
    half.mkdir(parents=True)
    (half / f"run-{run.name[28:]}.unfinished").write_bytes(b":W&B")
    shutil.rmtree(run)
    (bundle / "ledger.sqlite").unlink()

    offline(pathspec)

    assert differences(bundle_of(bundle), before) == []


def test_the_times_are_those_of_the_flow_run(bundled: Callable[..., Bundled]) -> None:
    """The start that W&B's local tools show, and sort by, is when the step began."""
    fan = bundled("fan_flow")

    run = wandb_run(fan.done.document, f"{fan.pathspec}/each")
    record = _only(_records(run), "run")
    config = {item.key: json.loads(item.value_json) for item in record.config.update}
    begin = config["metaflow"]["started_at"]
    moment = record.start_time.ToDatetime()
    assert f"{moment.isoformat(timespec='milliseconds')}Z" == begin
    assert Path(run["dir"]).name == f"offline-run-{moment:%Y%m%d_%H%M%S}-{run['id']}"


@since("wandb", "0.31", "`leet inspect` has `--summary`")
def test_wandb_reads_the_files(bundled: Callable[..., Bundled], sandbox: Sandbox) -> None:
    """`wandb leet inspect` finds state, start, summary and history in them."""
    failing = bundled("failing_flow")
    run = wandb_run(failing.done.document, f"{failing.pathspec}/end")
    [path] = Path(run["dir"]).glob("*.wandb")

    seen = sandbox.wandb("leet", "inspect", "--summary", str(path))

    assert seen.code == 0, seen.err
    assert f"{failing.pathspec}/end ({run['id']})" in seen.out
    assert "failed (exit code 1)" in seen.out
    assert "metaflow.tasks.failed" in seen.out


def test_a_bundle_can_be_sent_with_wandb_sync(
    bundled: Callable[..., Bundled], online: Sandbox, w_and_b: WandbServer
) -> None:
    """`wandb sync`, level by level, brings all runs, artifacts and edges to the server."""
    fan = bundled("fan_flow")

    for level in sorted(fan.bundle.glob("level-*")):
        runs = [str(path) for path in level.glob("wandb/offline-run-*")]
        sent = online.wandb("sync", "--yes", *runs)
        assert sent.code == 0, sent.err

    names = {run["id"]: run["name"] for run in fan.done.document["flow_runs"][0]["wandb_runs"]}
    edges = set()
    for run_id, name in names.items():
        run = w_and_b.state.run(f"acme/offline/{run_id}")
        assert run.state == "finished"
        for used in run.used:
            assert used.logged_by is not None
            edges.add((_last(name), used.name.split(":")[0], _last(names[_last(used.logged_by)])))
    assert edges == edges_of(fan.done.document)
    assert w_and_b.state.artifact("acme/offline/total:latest").version == "v0"


def _client_ids(bundle: Path) -> set[str]:
    return {
        item
        for path in bundle.glob("level-*/wandb/*/*.wandb")
        for record in read_records(path)
        if record.WhichOneof("record_type") == "artifact"
        for item in (record.artifact.client_id, record.artifact.sequence_client_id)
    }


def _last(path: str) -> str:
    return path.rsplit("/", 1)[1]


def _records(run: dict[str, Any]) -> list[Any]:
    [path] = Path(run["dir"]).glob("*.wandb")
    return list(read_records(path))


def _only(records: list[Any], kind: str) -> Any:
    [record] = [item for item in records if item.WhichOneof("record_type") == kind]
    return getattr(record, kind)


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and not path.name.startswith("ledger")
    }
