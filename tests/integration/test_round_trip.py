"""Artifacts of every type: what W&B's server holds of them is what they were."""

from __future__ import annotations

import gzip
import io
import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.integration.results import losses_of
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import ArtifactVersion, WandbServer

_FLOW = """
from decimal import Decimal
from metaflow import FlowSpec, step
import numpy as np, pandas as pd, pyarrow as pa
import mylib, notes

class Thing:
    def __init__(self, text):
        self.text = text

class TypesFlow(FlowSpec):
    @step
    def start(self):
        self.frame = pd.DataFrame({"a": [1, None], "ü": ["x", "y"]}, index=[7, 8])
        self.series = pd.Series([1.5, 2.5], name="s")
        self.labels = pd.Index(["x", "y"], name="i")
        self.arrow = pa.table({"a": [[1], [2, 3]]})
        self.parts = [pd.DataFrame({"a": [1]}), pd.Series([2], name="b")]
        self.array = np.arange(12, dtype="float32").reshape(3, 4)
        self.objects = np.array([{}, None], dtype=object)
        self.text = "ü" * 200_000
        self.large = {"many": list(range(50_000)), 3: {(1, 2), float("inf")}, "big": 2**80,
                      "bytes": b"\\xff", "nan": float("nan"), "empty": [{}, (), ""]}
        self.curve = [i / 7 for i in range(30_000)]
        self.thing = Thing("x")
        self.table = mylib.Table(["a", "b"])
        self.note = notes.Note("remember")
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    TypesFlow()
"""

_LIBRARY = """
import json, pickle

class Table:
    def __init__(self, rows):
        self.rows = rows

class ForMfwb:
    types = ("mylib.Table",)
    kind = "dataset"

    @staticmethod
    def convert(pickle_file, folder):
        table = pickle.loads(pickle_file.read_bytes())
        (folder / "rows.json").write_text(json.dumps(table.rows))
"""

_SERIALIZER = """
from metaflow.datastore.artifacts.serializer import (
    ArtifactSerializer, SerializationMetadata, SerializedBlob)

class NoteSerializer(ArtifactSerializer):
    TYPE = "note"
    PRIORITY = 10

    @classmethod
    def can_serialize(cls, obj):
        return type(obj).__name__ == "Note"

    @classmethod
    def can_deserialize(cls, metadata):
        return metadata.encoding == "note-v1"

    @classmethod
    def serialize(cls, obj, format="storage"):
        data = obj.text.encode()
        return [SerializedBlob(data)], SerializationMetadata("notes.Note", len(data), "note-v1", {})

    @classmethod
    def deserialize(cls, data, metadata=None, format="storage"):
        return data[0].decode()
"""

_FILES = {
    "lib/mylib.py": _LIBRARY,
    "lib/notes.py": "class Note:\n    def __init__(self, text):\n        self.text = text\n",
    "lib/mylib-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: mylib\nVersion: 1\n",
    "lib/mylib-1.dist-info/entry_points.txt": "[mfwb.payloads]\nmylib = mylib:ForMfwb\n",
    "ext/metaflow_extensions/notes/plugins/mfextinit_notes.py": (
        'ARTIFACT_SERIALIZERS_DESC = [("note", ".note_serializer.NoteSerializer")]\n'
    ),
    "ext/metaflow_extensions/notes/plugins/note_serializer.py": _SERIALIZER,
    "types_flow.py": _FLOW,
}


class Held:
    """The artifacts of one flow run: in Metaflow's datastore, and in W&B."""

    def __init__(self, root: Path, server: WandbServer, project: str, document: Any) -> None:
        self._data = root / ".metaflow" / "TypesFlow" / "data"
        self._server = server
        self._project = project
        self.document = document
        [facts] = (root / ".metaflow" / "TypesFlow").glob("[0-9]*/start/*/0.data.json")
        self._shas = json.loads(facts.read_text(encoding="utf-8"))["objects"]

    def stored(self, name: str) -> bytes:
        """Return the bytes that Metaflow's serializer wrote."""
        sha = self._shas[name]
        return gzip.decompress((self._data / sha[:2] / sha).read_bytes())

    def version(self, name: str) -> ArtifactVersion:
        """Return the W&B artifact of that name."""
        return self._server.state.artifact(f"acme/{self._project}/{name}:latest")

    def files(self, name: str) -> Mapping[str, bytes]:
        """Return what W&B holds of an artifact, by file."""
        return self.version(name).files

    def run(self, step: str) -> Any:
        """Return the W&B run of a step."""
        [item] = [
            run for run in self.document["flow_runs"][0]["wandb_runs"] if run["job_type"] == step
        ]
        return self._server.state.run(f"acme/{self._project}/{item['id']}")


@pytest.fixture(scope="module")
def held(w_and_b: WandbServer, tmp_path_factory: pytest.TempPathFactory) -> Held:
    """Return a flow run of every type, synced online with all pickles trusted."""
    server = {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key}
    sandbox = Sandbox(tmp_path_factory.mktemp("types"), server)
    for name, text in _FILES.items():
        path = sandbox.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    library, extension = str(sandbox.root / "lib"), str(sandbox.root / "ext")
    ran = sandbox.script(
        sandbox.root / "types_flow.py", "--quiet", "run", PYTHONPATH=f"{library}:{extension}"
    )
    assert ran.code == 0, ran.err
    project = f"types-{sandbox.root.name}"
    done = sandbox.mfwb(
        *("sync", "TypesFlow/latest", "--project", project, "--unpickle", "trusted", "--json"),
        PYTHONPATH=library,
    )
    assert done.code == 0, done.err
    return Held(sandbox.root, w_and_b, project, done.document)


def _frame(data: bytes) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(data))


def test_nothing_is_lost(held: Held) -> None:
    """Each artifact is somewhere."""
    assert losses_of(held.document) == []
    assert held.document["totals"]["items"]["lost"] == 0


def test_tables(held: Held) -> None:
    """Tables are parquet, whatever library made them."""
    frame = pickle.loads(held.stored("frame"))
    pd.testing.assert_frame_equal(_frame(held.files("frame")["frame.parquet"]), frame)
    series = _frame(held.files("series")["series.parquet"])
    assert series["s"].tolist() == [1.5, 2.5]
    assert _frame(held.files("labels")["labels.parquet"])["i"].tolist() == ["x", "y"]
    arrow = parquet.read_table(pa.BufferReader(held.files("arrow")["arrow.parquet"]))
    assert arrow.to_pylist() == [{"a": [1]}, {"a": [2, 3]}]
    parts = held.files("parts")
    assert sorted(parts) == ["parts/0.parquet", "parts/1.parquet"]
    assert _frame(parts["parts/1.parquet"])["b"].tolist() == [2]


def test_previews(held: Held) -> None:
    """The W&B run shows the first rows of each table."""
    summary = held.run("start").summary
    for name, rows in (("frame", 2), ("series", 2), ("labels", 2), ("arrow", 2)):
        assert (summary[name]["_type"], summary[name]["nrows"]) == ("table-file", rows)


def test_arrays(held: Held) -> None:
    """Numbers are `.npy`; objects stay the pickle, which says why."""
    array = np.load(io.BytesIO(held.files("array")["array.npy"]), allow_pickle=False)
    assert (array.dtype, array.tolist()) == (
        np.dtype("float32"),
        np.arange(12).reshape(3, 4).tolist(),
    )
    assert dict(held.files("objects")) == {"objects.pkl": held.stored("objects")}
    assert "kept_as_pickle" in held.version("objects").metadata["metaflow"]


def test_large_values(held: Held) -> None:
    """What is too large for the summary is JSON; lists of numbers are still drawn."""
    large = json.loads(held.files("large")["large.json"])
    assert large["many"] == list(range(50_000))
    assert large["3"] == ["Infinity", [1, 2]] or large["3"] == [[1, 2], "Infinity"]
    assert (large["big"], large["nan"], large["empty"]) == (2**80, "NaN", [{}, [], ""])
    assert large["bytes"] == {"_type": "bytes", "base64": "/w=="}
    assert json.loads(held.files("text")["text.json"]) == "ü" * 200_000
    assert json.loads(held.files("curve")["curve.json"])[-1] == 29_999 / 7
    assert held.run("start").history[29_999]["curve"] == 29_999 / 7


@pytest.mark.parametrize(("name", "path"), [("thing", "thing.pkl"), ("note", "note.note-v1")])
def test_bytes_as_they_are(held: Held, name: str, path: str) -> None:
    """Classes of the flow's own go as their pickle, others' encodings under their name."""
    assert dict(held.files(name)) == {path: held.stored(name)}


def test_a_converter_of_another_package(held: Held) -> None:
    """An installed package says what becomes of its types."""
    assert held.version("table").type == "dataset"
    assert dict(held.files("table")) == {"table.json": b'["a", "b"]'}


_FACTS: dict[str, Callable[[Held], object]] = {
    "pathspec": lambda held: f"{held.document['flow_runs'][0]['pathspec']}/start/1/thing",
    "python_type": lambda _: "__main__.Thing",
    "encoding": lambda _: "pickle-v4",
    "attempt": lambda _: 0,
    "size": lambda held: len(held.stored("thing")),
    "modules": lambda _: ["__main__"],
}


@pytest.mark.parametrize("fact", _FACTS)
def test_metadata(held: Held, fact: str) -> None:
    """Each W&B artifact says what it is, and how to load it."""
    thing = held.version("thing")

    assert thing.metadata["metaflow"][fact] == _FACTS[fact](held)
    assert "pickle.loads(pathlib.Path(path).read_bytes())" in str(thing.description)
