"""A flow that Metaflow really ran against an emulator: synced, and equal to what Metaflow reads."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.results import losses_of, metadata_of
from tests.support.sandbox import FLOWS, Finished, Sandbox

pytestmark = pytest.mark.cloud

PROBES = Path(__file__).parent
REFERENCE_PROBE = PROBES.parent / "integration" / "reference_probe.py"


@dataclass(frozen=True)
class Ran:
    """A flow run, its artifacts in a cloud and its metadata in a folder."""

    cloud: Any
    sandbox: Sandbox
    pathspec: str

    def sync(self, *options: str) -> Finished:
        """Sync it into a bundle."""
        fixed = ("--mode", "offline", "--entity", "acme", "--project", "p", "--json")
        return self.python("-m", "mfwb", "sync", self.pathspec, *fixed, *options)

    def python(self, *arguments: str) -> Finished:
        """Run a program that knows the cloud."""
        path = str(PROBES.parents[1])
        temporary = self.sandbox.root / "tmp"
        temporary.mkdir(exist_ok=True)
        return self.sandbox.run(sys.executable, *arguments, PYTHONPATH=path, TMPDIR=str(temporary))


@pytest.fixture(scope="module")
def ran(cloud: Any, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Return a flow run."""
    home = tmp_path_factory.mktemp("home")
    (home / "words.txt").write_text("eins\nzwei\n", encoding="utf-8")
    sandbox = Sandbox(home, cloud.env)
    script = str(FLOWS / "stored_flow.py")
    done = sandbox.run(sys.executable, script, "--quiet", "--datastore", cloud.kind, "run")
    assert done.code == 0, done.err
    number = (home / ".metaflow" / "StoredFlow" / "latest_run").read_text(encoding="utf-8")
    return Ran(cloud, sandbox, f"StoredFlow/{number}")


def test_all_of_it_is_synced(ran: Ran) -> None:
    """Artifacts, an included file, a card and logs; and no other file is written."""
    before = {path.name for path in ran.sandbox.root.iterdir()} | {"tmp"}

    done = ran.sync("--dir", "bundle")

    assert done.code == 0, done.err
    [flow_run] = done.document["flow_runs"]
    made = [output["name"] for run in flow_run["wandb_runs"] for output in run["outputs"]]
    assert {"frame", "thing", "total", "words"} <= set(made)
    assert losses_of(done.document) == []
    bundle = ran.sandbox.root / "bundle"
    assert b"eins\nzwei\n" in {path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
    assert any(b"out: started" in path.read_bytes() for path in bundle.rglob("*.wandb"))
    assert {path.name for path in ran.sandbox.root.iterdir()} == before | {"bundle"}
    assert list((ran.sandbox.root / "tmp").iterdir()) == []


def test_the_bytes_are_those_that_metaflow_reads(ran: Ran) -> None:
    """Of each artifact, whichever way it is read."""
    done = ran.python(str(PROBES / "bytes_probe.py"), metadata_of(ran.sandbox.root), ran.pathspec)

    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert len(result) > 5
    for pathspec, read in result.items():
        sha = read["sha"]
        assert read == {
            "copied": sha,
            "read": [sha],
            "head": True,
            "metaflow": sha,
            "sha": sha,
        }, pathspec


def test_a_lost_blob_is_a_loss(ran: Ran) -> None:
    """The rest arrives."""
    key, body, attributes = _take_away(ran, "thing")
    try:
        done = ran.sync("--dir", "with-loss", "--force")
    finally:
        ran.cloud.put(key, body, attributes)

    assert done.code == 0, done.err
    reasons = {loss["item"]: loss["reason"] for loss in losses_of(done.document)}
    [lost] = [item for item in reasons if item.startswith(f"{ran.pathspec}/start/")]
    assert lost.endswith("/thing")
    assert "gone" in reasons[lost]


def test_a_reference(ran: Ran) -> None:
    """It equals that of W&B's own handler; none where W&B could not follow it."""
    folder = ran.sandbox.root / "referred"
    provider = metadata_of(ran.sandbox.root)
    done = ran.python(str(REFERENCE_PROBE), provider, ran.pathspec, "offline", str(folder))

    if ran.cloud.kind == "azure":  # an emulator has another host than *.blob.core.windows.net
        assert "can't be referred to" in done.err
        return
    assert done.code == 0, done.err
    made = json.loads(done.out.splitlines()[-1])
    stored = ran.cloud.get(_key(ran, "thing"))
    assert made["ours"] == made["theirs"]
    assert made["ours"]["ref"] == f"{ran.cloud.root}/{_key(ran, 'thing')}"
    assert (made["ours"]["digest"], made["ours"]["size"]) == (stored.etag, len(stored.body))
    assert made["ours"]["extra"] == {"versionID": int(stored.version)}


def _key(ran: Ran, name: str) -> str:
    """Return the key of an artifact of the first step."""
    prefix = f"{ran.pathspec}/start/"
    [path] = [
        key
        for key in ran.cloud.list_keys()
        if key.startswith(prefix) and key.endswith("/0.data.json")
    ]
    sha = json.loads(ran.cloud.get(path).body)["objects"][name]
    return f"StoredFlow/data/{sha[:2]}/{sha}"


def _take_away(ran: Ran, name: str) -> tuple[str, bytes, bytes]:
    key = _key(ran, name)
    body = ran.cloud.get(key).body
    ran.cloud.delete(key)
    return key, body, b'{"cas_raw": false, "cas_version": 1}'
