"""A flow run whose artifacts are in S3: said as that of a local one, read and referred to."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mfwb.sink.offline.wandb_file import read_records
from tests.integration.results import losses_of, metadata_of, wandb_run
from tests.support.s3_server import ROOT, Fault, S3Server
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

REPOSITORY = Path(__file__).parents[2]
# Metaflow's own reads would be tried again for an hour.
IN_VAIN_ONCE = {
    "METAFLOW_S3_CLIENT_RETRY_CONFIG": '{"max_attempts": 1, "mode": "standard"}',
    "METAFLOW_S3_RETRY_COUNT": "0",
    "METAFLOW_S3_TRANSIENT_RETRY_COUNT": "0",
}


@dataclass(frozen=True)
class InS3:
    """A flow run, its artifacts in S3 and its metadata in a folder."""

    server: S3Server
    home: Path
    pathspec: str

    def sandbox(self, root: Path, w_and_b: WandbServer, **more: str) -> Sandbox:
        """Return a place for programs that know both."""
        temporary = root / "tmp"
        temporary.mkdir(parents=True)
        known = {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key}
        return Sandbox(root, {**known, **self.server.env, "TMPDIR": str(temporary), **more})

    def key(self, step: str, name: str) -> str:
        """Return where an artifact of a step lies."""
        facts = f"{self.pathspec}/{step}/"
        [path] = [key for key in self.server.keys(facts) if key.endswith("/0.data.json")]
        sha = json.loads(self.server.get(path).body)["objects"][name]
        return f"StoredFlow/data/{sha[:2]}/{sha}"


@pytest.fixture(scope="module")
def in_s3(flows_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InS3]:
    """Return a flow run that was really run against S3."""
    home = tmp_path_factory.mktemp("in-s3")
    shutil.copy(flows_root / "words.txt", home)
    with S3Server() as server:
        ran = Sandbox(home, server.env).flow("stored_flow", "--datastore", "s3", "run")
        assert ran.code == 0, ran.err
        number = (home / ".metaflow" / "StoredFlow" / "latest_run").read_text(encoding="utf-8")
        yield InS3(server, home, f"StoredFlow/{number}")


WHOLE = pytest.mark.exhaustive
"""Three syncs of a flow: a minute and more."""


@dataclass(frozen=True)
class Told:
    """What mfwb said of a sync, and what W&B holds afterwards."""

    finished: Finished
    sandbox: Sandbox
    project: str
    requests: list[str]


@pytest.fixture(scope="module")
def told(
    in_s3: InS3,
    flow_run: Callable[[str], str],
    flows_root: Path,
    w_and_b: WandbServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Told]:
    """Return three syncs of the same flow: of a local run, and of one in S3 to both modes."""
    local = (flow_run("stored_flow"), metadata_of(flows_root))
    remote = (in_s3.pathspec, metadata_of(in_s3.home))
    bundle = ("--mode", "offline", "--dir", "bundle")
    result = {}
    for name, (pathspec, metadata), more in (
        ("local", local, ()),
        ("online", remote, ()),
        ("offline", remote, bundle),
    ):
        sandbox = in_s3.sandbox(tmp_path_factory.mktemp(name), w_and_b, **_watched(in_s3.home))
        project = f"p{uuid.uuid4().hex[:8]}"
        fixed = ("--metadata", metadata, "--project", project, "--entity", "acme", "--json")
        in_s3.server.clear_requests()
        done = sandbox.mfwb("sync", pathspec, *fixed, *more)
        assert done.code == 0, done.err
        result[name] = Told(done, sandbox, project, in_s3.server.requests("GET"))
    return result


@WHOLE
@pytest.mark.parametrize("mode", ["online", "offline"])
def test_it_says_what_a_local_one_says(told: dict[str, Told], mode: str) -> None:
    """The same W&B runs, artifacts by digest, edges and losses."""
    assert _said(told[mode].finished) == _said(told["local"].finished)
    assert losses_of(told[mode].finished.document) == []


@WHOLE
def test_the_same_arrives(told: dict[str, Told], w_and_b: WandbServer) -> None:
    """Summaries, log and files of artifacts are equal, the card's and clock's own marks aside."""
    assert _arrived(told["online"], w_and_b) == _arrived(told["local"], w_and_b)


@WHOLE
def test_no_more_is_asked_for_than_needed(told: dict[str, Told], in_s3: InS3) -> None:
    """Artifacts once to look into them and once to send them; a card, a log, a fact once."""
    requested = told["online"].requests

    for name in ("frame", "thing"):
        assert sum(path.endswith(in_s3.key("start", name)) for path in requested) in {1, 2}
    beside = [path for path in requested if "/data/" not in path]
    assert len(beside) == len(set(beside))


@WHOLE
@pytest.mark.parametrize("mode", ["online", "offline"])
def test_nothing_is_left_behind(told: dict[str, Told], mode: str) -> None:
    """No temporary file stays, and none was ever in the folder that mfwb was called in."""
    sandbox = told[mode].sandbox
    made = (sandbox.root / "made.txt").read_text(encoding="utf-8").split()

    assert list((sandbox.root / "tmp").iterdir()) == []
    assert any("metaflow.s3." in path for path in made)
    locations = tuple(str(sandbox.root / name) for name in ("tmp", "bundle/payloads"))
    assert [path for path in made if not path.startswith(locations)] == []
    assert list(sandbox.root.glob("bundle/payloads/.*")) == []


def test_a_lost_object_is_a_loss(in_s3: InS3, w_and_b: WandbServer, tmp_path: Path) -> None:
    """The rest arrives."""
    key = in_s3.key("start", "thing")
    stored = in_s3.server.get(key)
    in_s3.server.delete(key)
    try:
        done = _sync(in_s3, in_s3.sandbox(tmp_path, w_and_b))
    finally:
        in_s3.server.put(key, stored.body, in_s3.server.attributes(stored))

    reasons = {loss["item"]: loss["reason"] for loss in losses_of(done.document)}
    [task] = [item for item in reasons if item.startswith(f"{in_s3.pathspec}/start/")]
    assert done.code == 0, done.err
    assert task.endswith("/thing")
    assert "gone" in reasons[task]
    outputs = [
        entry["name"] for entry in wandb_run(done.document, f"{in_s3.pathspec}/start")["outputs"]
    ]
    assert sorted(outputs) == ["frame", "words"]


def test_a_forbidden_object_is_not_gone(in_s3: InS3, w_and_b: WandbServer, tmp_path: Path) -> None:
    """The flow run fails with the reason, and is not taken for done."""
    in_s3.server.fault(Fault("GET", in_s3.key("start", "thing"), status=403))
    try:
        done = _sync(in_s3, in_s3.sandbox(tmp_path, w_and_b, **IN_VAIN_ONCE))
    finally:
        in_s3.server.fault()

    [outcome] = done.document["flow_runs"]
    assert (done.code, outcome["status"]) == (1, "failed")
    assert "AccessDenied" in outcome["reason"]


@pytest.fixture(scope="module")
def referred(
    in_s3: InS3, w_and_b: WandbServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return what became of a reference to an object, logged in both modes."""
    result = {}
    for mode, more in (("online", ()), ("offline", ("bundle",))):
        sandbox = in_s3.sandbox(tmp_path_factory.mktemp(mode), w_and_b, PYTHONPATH=_python_path())
        probe = Path(__file__).with_name("reference_probe.py").read_text(encoding="utf-8")
        metadata = metadata_of(in_s3.home)
        sent = w_and_b.uploaded_bytes
        done = sandbox.python(probe, metadata, in_s3.pathspec, mode, *more)
        assert done.code == 0, done.err
        reported = json.loads(done.out.splitlines()[-1])
        result[mode] = {**reported, "sent": w_and_b.uploaded_bytes - sent}
    return result


def test_a_reference_is_what_w_and_b_would_make_of_it(
    in_s3: InS3, referred: dict[str, Any]
) -> None:
    """URI, size, ETag: W&B's own handler, which asks S3, finds the same."""
    stored = in_s3.server.get(in_s3.key("start", "thing"))
    etag = stored.headers["etag"].strip('"')

    assert referred["online"]["ours"] == referred["online"]["theirs"]
    assert referred["online"]["ours"] == {
        "path": "thing.pkl.gz",
        "ref": f"{ROOT}/{in_s3.key('start', 'thing')}",
        "digest": etag,
        "size": len(stored.body),
        "extra": {"etag": etag},
        "skip_cache": False,
    }


def test_a_reference_arrives_and_no_byte_with_it(
    referred: dict[str, Any], w_and_b: WandbServer
) -> None:
    """Online: the manifest refers."""
    reported = referred["online"]
    version = w_and_b.state.artifact(f"acme/{reported['project']}/thing:latest")

    entry = version.manifest["thing.pkl.gz"]
    assert version.references == {"thing.pkl.gz": reported["ours"]["ref"]}
    assert (entry["digest"], entry["size"]) == (
        reported["ours"]["digest"],
        reported["ours"]["size"],
    )
    assert list(version.files) == []
    assert reported["sent"] < reported["ours"]["size"]


def test_a_sync_with_references(in_s3: InS3, w_and_b: WandbServer, tmp_path: Path) -> None:
    """With `--references` all that would be copied is referred to, and W&B is told what it is."""
    sandbox = in_s3.sandbox(tmp_path, w_and_b)
    done = _sync(in_s3, sandbox, "--references")

    assert done.code == 0, done.err
    start = wandb_run(done.document, f"{in_s3.pathspec}/start")
    made = w_and_b.state.run(
        f"acme/{done.document['flow_runs'][0]['project']}/{start['id']}"
    ).logged
    thing, frame = (
        {item.name.partition(":")[0]: item for item in made}[n] for n in ("thing", "frame")
    )
    assert thing.references == {"thing.pkl.gz": f"{ROOT}/{in_s3.key('start', 'thing')}"}
    assert frame.references == {"frame.pkl.gz": f"{ROOT}/{in_s3.key('start', 'frame')}"}
    assert "as a gzipped pickle" in str(thing.description)
    assert "pickle.loads(gzip.open(path).read())" in str(thing.description)
    assert list(thing.files) == list(frame.files) == []
    assert start["account"]["artifacts"]["referenced"] == 2  # the included file is a copy


def test_a_reference_is_in_the_bundle(referred: dict[str, Any]) -> None:
    """Offline: the record has the same entry, and nothing is put beside it."""
    reported = referred["offline"]
    folder = Path(reported["place"])
    records = list(read_records(next(folder.glob("run-*.wandb"))))
    [artifact] = [
        record.artifact for record in records if record.WhichOneof("record_type") == "artifact"
    ]

    [entry] = artifact.manifest.contents
    ours = reported["ours"]
    assert (entry.path, entry.ref, entry.size) == (ours["path"], ours["ref"], ours["size"])
    assert entry.digest == ours["digest"]
    assert {item.key: json.loads(item.value_json) for item in entry.extra} == ours["extra"]
    assert entry.local_path == ""
    assert reported["sent"] == 0


def test_who_follows_a_reference_gets_the_pickle(referred: dict[str, Any]) -> None:
    """W&B's SDK goes to S3; unpacked, it is what Metaflow recorded."""
    assert referred["online"]["downloaded"] == referred["online"]["sha1"]


def test_metaflow_reads_when_mfwb_is_opened_again(referred: dict[str, Any]) -> None:
    """The folder for its temporary files outlives the first time."""
    assert referred["online"]["log"] == ["out: started"]


def _sync(in_s3: InS3, sandbox: Sandbox, *more: str) -> Finished:
    project = f"p{uuid.uuid4().hex[:8]}"
    fixed = ("--metadata", metadata_of(in_s3.home), "--project", project, "--json")
    return sandbox.mfwb("sync", in_s3.pathspec, *fixed, *more)


def _said(finished: Finished) -> list[Any]:
    """Return the document's W&B runs but for ids and the number of the flow run."""
    [outcome] = finished.document["flow_runs"]
    return [
        {
            "name": _step(run["name"]),
            "state": run["state"],
            "outputs": [(item["name"], item["type"], item["digest"]) for item in run["outputs"]],
            "inputs": [
                (item["name"], item["digest"], _step(item["producer"])) for item in run["inputs"]
            ],
            "summary": run["summary_keys"],
        }
        for run in outcome["wandb_runs"]
    ]


def _step(name: str) -> str:
    return name.rpartition("/")[2]


def _arrived(told: Told, w_and_b: WandbServer) -> list[Any]:
    [outcome] = told.finished.document["flow_runs"]
    runs = [
        w_and_b.state.run(f"acme/{told.project}/{item['id']}") for item in outcome["wandb_runs"]
    ]
    return [
        {
            "summary": {name: run.summary.get(name) for name in ("number", "losses")},
            "history": [row.get("losses") for row in run.history],
            "log": [line.line.partition("Z ")[2] for line in run.console],
            "media": sum(name.startswith("media/html") for name in run.files),
            "logged": sorted(
                (item.name, path, item.files[path])
                for item in run.logged
                if item.type != "run_table"  # whose name has the id of the W&B run
                for path in item.files
            ),
        }
        for run in runs
    ]


def _watched(home: Path) -> dict[str, str]:
    """Return an environment in which Python notes each temporary file in `made.txt`."""
    hook = home / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(
        "import os, sys\n"
        "log = os.path.abspath('made.txt')\n"
        "def note(event, arguments):\n"
        "    if event.startswith('tempfile.'):\n"
        "        with open(log, 'a') as out:\n"
        "            print(os.path.abspath(arguments[0]), file=out)\n"
        "sys.addaudithook(note)\n",
        encoding="utf-8",
    )
    return {"PYTHONPATH": os.pathsep.join((str(hook), _python_path()))}


def _python_path() -> str:
    return os.pathsep.join(path for path in (str(REPOSITORY), os.environ.get("PYTHONPATH")) if path)


def test_doctor_reads_from_s3(in_s3: InS3, tmp_path: Path, w_and_b: WandbServer) -> None:
    """The beginning of one artifact is really read; a bucket that refuses is an end not reached."""
    location = in_s3.sandbox(tmp_path, w_and_b, **IN_VAIN_ONCE)
    arguments = ("doctor", "--json", "--metadata", metadata_of(in_s3.home))

    done = location.mfwb(*arguments)

    assert done.code == 0, done.out
    [check] = [item for item in done.document["checks"] if item["name"] == "datastore"]
    assert check["detail"].startswith(f"s3 at {ROOT}: read StoredFlow/")
    refused = location.mfwb(*arguments, AWS_ENDPOINT_URL_S3="http://127.0.0.1:9", **_NOWHERE)
    assert refused.code == 4, refused.out
    [check] = [item for item in refused.document["checks"] if item["name"] == "datastore"]
    assert (check["status"], "S3 can't be read" in check["detail"]) == ("failed", True)


_NOWHERE = {"METAFLOW_S3_ENDPOINT_URL": "http://127.0.0.1:9"}
