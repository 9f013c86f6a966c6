"""Hand-made blobs in a real folder and in a stand-in for S3: read, refused, and kept in bounds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.source.hand_made import ALL, IN_S3, recorded, sha1_of
from tests.support.s3_server import ROOT, Fault, S3Server
from tests.support.sandbox import Sandbox

PROBE = str(Path(__file__).with_name("blobs_probe.py"))
IN_VAIN_ONCE = {"METAFLOW_S3_CLIENT_RETRY_CONFIG": '{"max_attempts": 1, "mode": "standard"}'}
BLOBS = {**ALL, **IN_S3}
CASES = [*(("local", name) for name in ALL), *(("s3", name) for name in BLOBS)]
NOWHERE = {
    "no-bucket": ("s3", "s3://nosuchbucket/metaflow", "NoSuchBucket"),
    "no-folder": ("local", "/nowhere/at/all", "does not exist"),
    "no-package": ("gs", "gs://bucket/metaflow", "pip install google-cloud-storage google-auth"),
    "no-package-of-azure": (
        "azure",
        "box/metaflow",
        "pip install azure-storage-blob azure-identity",
    ),
    "no-such-kind": ("tape", "tape://1", "no datastore of type 'tape'"),
}
PROVEN = {("local", "odd-metadata")}
"""What is small and local is proven by its sha1 alone: the damaged file beside it is not read."""

SILENT = {
    "no-credentials": ({"AWS_ACCESS_KEY_ID": ""}, "credentials"),
    "no-such-profile": ({"AWS_PROFILE": "nosuch"}, "nosuch"),
    "no-server": ({"METAFLOW_S3_ENDPOINT_URL": "http://127.0.0.1:9"}, "connect"),
}


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    """Return a stand-in for S3."""
    with S3Server() as server:
        yield server


@pytest.fixture(scope="module")
def roots(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the roots of a folder and of a bucket, by kind, with all cases in them."""
    folder = tmp_path_factory.mktemp("local")
    for name, case in ALL.items():
        if case.stored is not None:
            blob = folder / _path(name)
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(case.stored(recorded(name)))
            if case.metadata is not None:
                blob.with_name(f"{blob.name}_meta").write_bytes(case.metadata)
    faults = []
    for name, case in BLOBS.items():
        if case.stored is not None:
            s3.put(_path(name), case.stored(recorded(name)), case.metadata, case.headers)
        if case.fault is not None:
            faults.append(Fault("GET", sha1_of(name), **case.fault))
    s3.fault(*faults)
    return {"local": str(folder), "s3": ROOT}


@pytest.fixture(scope="module")
def probed(
    roots: dict[str, str], s3: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return what a process of little memory finds in both, and in places that are not there."""
    sandbox = Sandbox(tmp_path_factory.mktemp("probe"), {**s3.env, **IN_VAIN_ONCE})
    cases = [_given(f"{kind}-{name}", name, kind, roots[kind]) for kind, name in CASES]
    nowhere = [_given(case, "good", kind, root) for case, (kind, root, _) in NOWHERE.items()]
    return _probe(sandbox, [*cases, *nowhere])


@pytest.fixture(scope="module")
def found(probed: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what became of each blob."""
    return dict(probed["found"])


@pytest.mark.parametrize("way", ["copy", "read"])
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_blob_is_right_or_the_reason_is_said(
    found: dict[str, dict[str, Any]], kind: str, name: str, way: str
) -> None:
    """What is damaged or gone is lost; what can't be reached is an error of the source."""
    case = BLOBS[name]
    error, reported = found[f"{kind}-{name}"][way]
    if (kind, name) in PROVEN:
        assert error == "done", reported
        assert bytes.fromhex(reported) == recorded(name)
        return

    assert error == (case.error or "done"), reported
    assert case.reason in reported
    if not case.error:
        assert bytes.fromhex(reported) == recorded(name)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_bad_blob_leaves_no_file(found: dict[str, dict[str, Any]], kind: str, name: str) -> None:
    """Only what is right stays where it was copied to."""
    is_right = not BLOBS[name].error or (kind, name) in PROVEN
    assert found[f"{kind}-{name}"]["left"] == is_right


def test_bombs_do_not_go_off(probed: dict[str, Any]) -> None:
    """Ten gigabytes of zeros take no memory, nor, by the limit of the process, disk."""
    assert probed["grown_mb"] < 200


def test_nothing_else_is_written(probed: dict[str, Any]) -> None:
    """Neither where mfwb was called nor in the folder for temporary files."""
    good = {
        f"{kind}-{name}.copied"
        for kind, name in CASES
        if not BLOBS[name].error or (kind, name) in PROVEN
    }

    assert set(probed["written"]) == {*good, "cases.json"}
    assert probed["temporary"] == []


def test_a_file_is_located(found: dict[str, dict[str, Any]], roots: dict[str, str]) -> None:
    """By its URI, with the size of the gzipped file."""
    file = Path(roots["local"]) / _path("good")

    done, located = found["local-good"]["locate"]
    assert (done, located) == ("done", [file.as_uri(), file.stat().st_size, None, True, None])
    assert found["local-raw"]["locate"][1][3] is False


def test_an_object_is_located(found: dict[str, dict[str, Any]], s3: S3Server) -> None:
    """By its URI, with the size and the ETag of the gzipped object."""
    stored = s3.get(_path("good"))

    done, located = found["s3-good"]["locate"]
    etag = stored.headers["etag"].strip('"')
    here = [f"{ROOT}/{_path('good')}", len(stored.body), etag, True, None]
    assert (done, located) == ("done", here)
    assert found["s3-raw"]["locate"][1][3] is False


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_what_is_gone_is_not_located(found: dict[str, dict[str, Any]], kind: str) -> None:
    """It is lost."""
    error, reported = found[f"{kind}-gone"]["locate"]
    assert (error, "gone" in reported) == ("ItemLost", True)


@pytest.mark.parametrize("case", NOWHERE)
def test_a_datastore_that_is_not_there_is_not_empty(
    found: dict[str, dict[str, Any]], case: str
) -> None:
    """Nothing is taken for gone because the whole of it is."""
    _assert_unreached(found[case], NOWHERE[case][2])


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=() if case == "no-server" else pytest.mark.exhaustive)
        for case in SILENT
    ],
)
def test_an_s3_that_does_not_answer_is_not_empty(s3: S3Server, tmp_path: Path, case: str) -> None:
    """Nor because nobody answers."""
    environment, reason = SILENT[case]
    sandbox = Sandbox(tmp_path, {**s3.env, **IN_VAIN_ONCE, **environment})

    result = _probe(sandbox, [_given("good", "good", "s3", ROOT)])["found"]

    _assert_unreached(result["good"], reason)


def test_an_interrupted_copy_leaves_nothing(
    s3: S3Server, tmp_path: Path, roots: dict[str, str]
) -> None:
    """Ctrl-C in the middle of a blob: neither the file stays nor a temporary one."""
    del roots  # the cases are there
    sandbox = Sandbox(tmp_path, s3.env)
    pipe = tmp_path / "target"
    os.mkfifo(pipe)
    program = (
        "import sys; from pathlib import Path; from mfwb.snapshot import Datastore; "
        "from mfwb.source.datastore.flow_store import open_store; "
        "store = open_store(Datastore('s3', sys.argv[1]), 'Flow'); "
        "store.copy(sys.argv[2], 30_000_000, Path('target'))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, ROOT, sha1_of("raw-bomb")],
        cwd=tmp_path,
        env=_environment(sandbox),
        stderr=subprocess.PIPE,
    )
    with pipe.open("rb") as reader:
        assert len(reader.read(2_000_000)) == 2_000_000
        child.send_signal(signal.SIGINT)
        _, reported = child.communicate(timeout=60)

    assert b"KeyboardInterrupt" in reported
    assert not pipe.exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def _assert_unreached(found: dict[str, Any], reason: str) -> None:
    for way in ("copy", "read", "locate"):
        error, reported = found[way]
        assert error == "SourceError", reported
        assert reason in reported
    assert not found["left"]


def _path(name: str) -> str:
    sha = sha1_of(name)
    return f"Flow/data/{sha[:2]}/{sha}"


def _given(label: str, name: str, kind: str, root: str) -> dict[str, Any]:
    size = len(recorded(name)) if BLOBS[name].sized else 0
    return {"name": label, "kind": kind, "root": root, "sha": sha1_of(name), "size": size}


def _environment(sandbox: Sandbox) -> dict[str, str]:
    temporary = sandbox.root / "tmp"
    temporary.mkdir()
    return {**sandbox.environment, "TMPDIR": str(temporary)}


def _probe(sandbox: Sandbox, cases: list[dict[str, Any]]) -> dict[str, Any]:
    environment = _environment(sandbox)
    (sandbox.root / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    done = sandbox.run(sys.executable, PROBE, "cases.json", **environment)
    assert done.code == 0, done.err
    temporary = [path.name for path in (sandbox.root / "tmp").iterdir()]
    written = [path.name for path in sandbox.root.iterdir() if path.is_file()]
    return {**done.document, "written": written, "temporary": temporary}
