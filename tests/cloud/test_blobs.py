"""Hand-made blobs in an emulator: read, refused, kept in bounds; and clouds that do not answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.source.hand_made import ALL, GZIPPED, RAW, recorded, sha1_of
from tests.support.sandbox import Sandbox

pytestmark = pytest.mark.cloud

REPOSITORY = Path(__file__).parents[2]
PROBE = REPOSITORY / "tests" / "integration" / "source" / "blobs_probe.py"
LARGEST_GROWTH = 200  # MB; Metaflow's reader of Azure alone keeps 32 MB for each of 8 blobs


@pytest.fixture(scope="module")
def probed(cloud: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a process of little memory reads of each case."""
    for name, case in ALL.items():
        if case.stored is not None:
            cloud.put(_key(name), case.stored(recorded(name)), case.metadata)
    sandbox = Sandbox(tmp_path_factory.mktemp("probe"), cloud.env)
    return _probe(sandbox, [_case(cloud, name) for name in ALL])


@pytest.mark.parametrize("way", ["copy", "read"])
@pytest.mark.parametrize("name", ALL)
def test_a_blob_is_right_or_its_loss_has_a_reason(
    probed: dict[str, Any], name: str, way: str
) -> None:
    """As in any other datastore."""
    case = ALL[name]
    error, result = probed["found"][name][way]

    assert error == (case.error or "done"), result
    assert case.reason in result
    if not case.error:
        assert bytes.fromhex(result) == recorded(name)
    assert probed["found"][name]["left"] == (not case.error)


def test_memory_and_disk_are_bounded(probed: dict[str, Any]) -> None:
    """Ten gigabytes of zeros take little memory, and no file is written but the good copies."""
    good = {f"{name}.copied" for name, case in ALL.items() if not case.error}

    assert probed["grown_mb"] < LARGEST_GROWTH
    assert set(probed["written"]) == {*good, "cases.json"}
    assert probed["temporary"] == []


def test_a_missing_bucket_is_no_missing_blob(cloud: Any, tmp_path: Path) -> None:
    """Nothing is taken for gone because the whole datastore is."""
    case = {**_case(cloud, "good"), "root": cloud.root_of("nosuch")}

    _assert_unreached(Sandbox(tmp_path, cloud.env), case, "")


def test_a_refusal_is_no_missing_blob(cloud: Any, tmp_path: Path) -> None:
    """Nor because the credentials have no right to it."""
    case = _case(cloud, "good")
    if cloud.kind == "gs":
        cloud.fault({case["sha"]: 403})
        try:
            _assert_unreached(Sandbox(tmp_path, cloud.env), case, "403")
        finally:
            cloud.fault({})
    else:  # a token of Google's, which is not Azure's
        environment = {**cloud.env, "IDENTITY_ENDPOINT": cloud.env["IDENTITY_ENDPOINT"] + "/bad"}
        _assert_unreached(Sandbox(tmp_path, environment), case, "AuthenticationFailed")


def test_no_credentials(cloud: Any, tmp_path: Path) -> None:
    """The reason names what is missing, and no secret is in it."""
    missing, reason = {
        "azure": ({"IDENTITY_ENDPOINT": "http://127.0.0.1:9/"}, "credential"),
        "gs": ({"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/at/all"}, "/nowhere/at/all"),
    }[cloud.kind]

    _assert_unreached(Sandbox(tmp_path, {**cloud.env, **missing}), _case(cloud, "good"), reason)


def test_an_archived_blob_is_lost(cloud: Any, tmp_path: Path) -> None:
    """Azure does not return it before it is restored; Google returns it at once."""
    if cloud.kind == "gs":
        return
    data = recorded("archived")
    cloud.put(_key("archived"), data, GZIPPED)
    cloud.archive(_key("archived"))
    case = {**_case(cloud, "good"), "sha": sha1_of("archived")}

    [result] = _probe(Sandbox(tmp_path, cloud.env), [case])["found"].values()

    for way in ("copy", "read"):
        assert result[way][0] == "ItemLost"
        assert "archived" in result[way][1]


def test_no_two_versions_are_mixed(cloud: Any, tmp_path: Path) -> None:
    """A blob that is replaced while it is read is an error."""
    key = _key("replaced")
    cloud.put(key, os.urandom(3 << 20), RAW)
    program = (
        "import sys; from mfwb.errors import SourceError; from mfwb.snapshot import Datastore\n"
        "from mfwb.source.datastore.flow_store import open_store\n"
        "with open_store(Datastore(*sys.argv[1:3]), 'Flow').open(sys.argv[3]) as blob:\n"
        "    print(len(blob.stream.read(1)), flush=True)\n"
        "    input()\n"
        "    try: print(len(blob.stream.read()))\n"
        "    except SourceError as error: print('SourceError', error)\n"
    )
    sandbox = Sandbox(tmp_path, cloud.env)
    with subprocess.Popen(
        [sys.executable, "-c", program, cloud.kind, cloud.root, key],
        cwd=tmp_path,
        env={**sandbox.environment, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "1\n"
        cloud.put(key, os.urandom(3 << 20), RAW)
        answer, _ = child.communicate("\n", timeout=120)

    assert answer.startswith("SourceError"), answer


def test_a_gone_blob_is_not_located(probed: dict[str, Any]) -> None:
    """It is lost."""
    error, text = probed["found"]["gone"]["locate"]

    assert (error, "gone" in text) == ("ItemLost", True)


def _assert_unreached(sandbox: Sandbox, case: dict[str, Any], reason: str) -> None:
    [result] = _probe(sandbox, [case])["found"].values()
    for way in ("copy", "read", "locate"):
        error, text = result[way]
        assert error == "SourceError", text
        assert reason in text
        assert "\n" not in text
        assert "eyJ" not in text  # how tokens begin
    assert not result["left"]


def _key(name: str) -> str:
    sha = sha1_of(name)
    return f"Flow/data/{sha[:2]}/{sha}"


def _case(cloud: Any, name: str) -> dict[str, Any]:
    size = len(recorded(name)) if ALL[name].sized else 0
    return {
        "name": name,
        "kind": cloud.kind,
        "root": cloud.root,
        "sha": sha1_of(name),
        "size": size,
    }


def _probe(sandbox: Sandbox, cases: list[dict[str, Any]]) -> dict[str, Any]:
    temporary = sandbox.root / "tmp"
    temporary.mkdir(exist_ok=True)
    (sandbox.root / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    done = sandbox.run(
        sys.executable, str(PROBE), "cases.json", PYTHONPATH=str(REPOSITORY), TMPDIR=str(temporary)
    )
    assert done.code == 0, done.err
    return {
        **done.document,
        "written": [path.name for path in sandbox.root.iterdir() if path.is_file()],
        "temporary": [path.name for path in temporary.iterdir()],
    }
