"""Contents of artifacts in a real datastore, which a confined process describes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import pickle
from pathlib import Path
from typing import Any

import pytest

from mfwb.errors import ItemLost
from mfwb.snapshot import Datastore
from mfwb.source.datastore.flow_store import FlowStore
from mfwb.source.datastore.local import LocalBlobs
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.facts import HeldArtifact
from mfwb.verification.expected.value_reader import ValueReader, new_value_process
from tests.unit.verification.expected.facts_of_tasks import flow_run, task


def _store(root: Path, name: str, data: bytes, kind: str = "dict") -> HeldArtifact:
    sha = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    path = root / "F" / "data" / sha[:2] / sha
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data))
    return HeldArtifact(name, sha, len(data), kind, "pickle-v4")


def test_small_artifacts(tmp_path: Path) -> None:
    """They are described, and equal values are the same though they are pickled differently."""
    value: Any = {"a": [1, 2]}
    first = _store(tmp_path, "first", pickle.dumps(value, protocol=2))
    second = _store(tmp_path, "second", pickle.dumps(value, protocol=4))
    other = _store(tmp_path, "other", pickle.dumps({"a": [1, 3]}, protocol=4))
    lost = HeldArtifact("lost", "0" * 40, 5, "dict", "pickle-v4")
    artifacts = {item.name: item for item in (first, second, other, lost)}
    datastore = Datastore("local", str(tmp_path))
    facts = flow_run(task("start", held=artifacts, datastore=datastore))
    store = FlowStore(LocalBlobs(str(tmp_path)), "F")

    with new_value_process() as process:
        contents = Contents(facts, ValueReader(process), lambda _datastore: store)

        assert contents.describe(first).json_value == value
        assert contents.is_same(first, second)
        assert not contents.is_same(first, other)
        assert contents.lost(first) is None
        assert contents.lost(lost) is not None
        assert not contents.describe(lost).is_known
        digest = hashlib.md5(pickle.dumps(value, protocol=2), usedforsecurity=False).digest()
        assert contents.md5(first) == base64.b64encode(digest).decode()
        assert contents.md5(lost) is None

        contents.copy(second, tmp_path / "copy")
        assert pickle.loads((tmp_path / "copy").read_bytes()) == value
        with pytest.raises(ItemLost, match="did not record"):
            contents.copy(HeldArtifact("x", "1" * 40, 5, "dict", "pickle-v4"), tmp_path / "x")
