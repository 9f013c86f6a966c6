"""Modules, weights and optimizers reach W&B unchanged, from a venv without torch."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import pickle
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfwb import pickles
from mfwb.payload.type_inspection import WHOLE_LIMIT
from mfwb.sink.offline.wandb_file import read_records
from tests.integration.results import edges_of, losses_of, metadata_of, run_id_of, wandb_run
from tests.support.sandbox import FLOWS, Finished, Sandbox
from tests.support.wandb_server import ArtifactVersion, WandbServer
from tests.torch.flow_run import DATA, RECORDED, TorchRun, run_flow, run_with_torch
from tests.torch.kinds import KINDS, LARGE

pytestmark = pytest.mark.torch

_TRIPWIRE = """
import pathlib
import traceback
pathlib.Path(__file__).with_suffix(".txt").write_text("".join(traceback.format_stack()))
raise ModuleNotFoundError("No module named 'torch'", name="torch")
"""

every_artifact = pytest.mark.parametrize("name", KINDS)
every_small_one = pytest.mark.parametrize("name", sorted(KINDS.keys() - {LARGE}))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TorchRun:
    """Return a flow run that was made with torch."""
    return run_flow(tmp_path_factory.mktemp("torch"))


class Online:
    """The flow run in the W&B stand-in."""

    def __init__(self, server: WandbServer, project: str, done: Finished) -> None:
        self._server = server
        self._project = project
        self.done = done

    def version(self, name: str) -> ArtifactVersion:
        """Return the version of an artifact that the first step logged."""
        return self._server.state.artifact(f"acme/{self._project}/{name}:v0")

    def users(self, name: str) -> set[str]:
        """Return the ids of the W&B runs that use an artifact."""
        return {path.rpartition("/")[2] for path in self.version(name).used_by}


@pytest.fixture(scope="module")
def online(made: TorchRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Online]:
    """Return the flow run as it was synced to a server."""
    project = f"p{uuid.uuid4().hex[:8]}"
    with WandbServer() as server:
        known = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        done = _sync(made, tmp_path_factory.mktemp("online"), known, "--project", project)
        yield Online(server, project, done)


@pytest.fixture(scope="module")
def offline(made: TorchRun, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return what was said when the flow run was synced into a bundle."""
    where = ("--mode", "offline", "--dir", "bundle", "--entity", "acme")
    return _sync(made, tmp_path_factory.mktemp("offline"), {}, *where)


def _sync(made: TorchRun, root: Path, known: dict[str, str], *arguments: str) -> Finished:
    """Sync where it leaves a trace if somebody so much as tries to import torch."""
    tripwire = root / "tripwire" / "torch.py"
    tripwire.parent.mkdir()
    tripwire.write_text(_TRIPWIRE, encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(tripwire.parent), os.environ.get("PYTHONPATH"))))
    sandbox = Sandbox(root, {**known, "PYTHONPATH": path})
    fixed = ("--metadata", metadata_of(made.root), "--json")
    done = sandbox.mfwb("sync", made.pathspec, *fixed, *arguments)
    assert done.code == 0, done.err
    traces = [file.read_text(encoding="utf-8") for file in tripwire.parent.glob("*.txt")]
    assert traces == []
    return done


def test_torch_is_not_here() -> None:
    """Otherwise nothing of this would show that it is not needed."""
    assert importlib.util.find_spec("torch") is None


def test_nothing_is_lost(online: Online, offline: Finished) -> None:
    """All artifacts arrive, whole, and the step that reads them uses them."""
    for done in (online.done, offline):
        assert losses_of(done.document) == []
        assert "kept_as_pickle" not in done.out
        assert edges_of(done.document) == {("end", "net", "start"), ("end", "tensor", "start")}


@every_artifact
def test_online(made: TorchRun, online: Online, name: str) -> None:
    """Each is of its kind, and is the very pickle that Metaflow stored."""
    version = online.version(name)

    [(path, data)] = version.files.items()
    assert version.type == KINDS[name]
    assert path == f"{name}.pkl"
    assert hashlib.sha1(data, usedforsecurity=False).hexdigest() == made.sha1(name)


@every_artifact
def test_what_it_takes_to_load_them(online: Online, name: str) -> None:
    """The metadata name torch; the flow's own script only where its class is in it."""
    modules = online.version(name).metadata["metaflow"]["modules"]

    has_own_class = name in {"net", "checkpoint", LARGE}
    assert modules == (["__main__", "torch"] if has_own_class else ["torch"])


def test_who_uses_the_net(online: Online, made: TorchRun) -> None:
    """The server knows the edge."""
    assert online.users("net") == {run_id_of(online.done.document, f"{made.pathspec}/end")}


def test_who_reads_a_net_does_not_make_it(online: Online, made: TorchRun) -> None:
    """The last step only reads; its W&B run logs nothing."""
    assert wandb_run(online.done.document, f"{made.pathspec}/end")["outputs"] == []


def test_offline(made: TorchRun, offline: Finished) -> None:
    """The bundle says the same of each, and refers to the same bytes."""
    folder = Path(wandb_run(offline.document, f"{made.pathspec}/start")["dir"])
    records = list(read_records(next(folder.glob("run-*.wandb"))))
    logged = [
        record.artifact for record in records if record.WhichOneof("record_type") == "artifact"
    ]

    kinds = {}
    for artifact in logged:
        [entry] = artifact.manifest.contents
        data = Path(entry.local_path).read_bytes()
        kinds[artifact.name] = artifact.type
        assert hashlib.sha1(data, usedforsecurity=False).hexdigest() == made.sha1(artifact.name)
        assert "torch" in json.loads(artifact.metadata)["metaflow"]["modules"]
    assert kinds == dict(KINDS)


def test_they_load_again(made: TorchRun, online: Online, tmp_path: Path) -> None:
    """With torch, what W&B holds has the numbers that the flow had, to the last bit."""
    files = []
    for name in KINDS:
        [data] = online.version(name).files.values()
        file = tmp_path / f"{name}.pkl"
        file.write_bytes(data)
        files.append(file)
    probe = Path(__file__).with_name("loading_probe.py")

    done = run_with_torch(made.root, probe, FLOWS, *files)

    had = pickle.loads(made.stored("fingerprints"))
    assert done.document == json.loads(json.dumps(had))


def test_the_large_one_is_large(made: TorchRun) -> None:
    """Only its beginning was looked at."""
    assert made.recorded[LARGE]["size"] > WHOLE_LIMIT


@every_small_one
def test_what_is_kept_is_still_so(made: TorchRun, name: str) -> None:
    """The pickles in tests/data are like those of today; `make torch-data` writes them anew."""
    kept = DATA / f"{name}.pkl"
    facts = json.loads(RECORDED.read_text(encoding="utf-8"))[name]

    assert pickles.read_names(kept.read_bytes()) == pickles.read_names(made.stored(name))
    assert (facts["type"], facts["encoding"]) == (
        made.recorded[name]["type"],
        made.recorded[name]["encoding"],
    )
