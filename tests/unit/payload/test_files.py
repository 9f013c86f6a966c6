"""Files of artifacts: each file, read back, has the content of the artifact."""

from __future__ import annotations

import datetime as dt
import io
import json
import math
import pickle
import sys
from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mfwb.conversion.tables import load_frame, load_frames
from mfwb.payload import PayloadBuilder
from mfwb.planning import Content, Form
from mfwb.planning.classify import classify
from mfwb.ports import ReadyArtifact
from tests.support.hostile_pickles.makers import OBJECTS
from tests.torch.flow_run import DATA
from tests.unit.payload.frames_of_all_kinds import columns, indexes
from tests.unit.payload.memory import TASK, MemoryContents, output, planned_file, planned_run
from tests.unit.payload.torch_pickles import every_pickle, looked_into

ARROW = pa.table({"a": [1, None], "s": ["x", "ö"], "l": [[1], None]})
COLUMNS = columns()
INDEXES = indexes()


@pytest.fixture
def contents() -> MemoryContents:
    """Return contents in which the task printed nothing."""
    result = MemoryContents()
    result.logs[TASK] = []
    return result


def made_of(
    builder: PayloadBuilder,
    contents: MemoryContents,
    value: Any,
    form: Form,
    metadata: dict[str, Any] | None = None,
) -> ReadyArtifact:
    """Return the W&B artifact that a value becomes."""
    file = planned_file(contents.add(value, "x"), form)
    ready = builder.prepare(planned_run(outputs=[output(file, metadata=metadata)]), contents)
    assert ready.losses == ()
    (artifact,) = ready.artifacts
    return artifact


def only_file(artifact: ReadyArtifact, name: str) -> bytes:
    """Return the bytes of the only file, which has a name."""
    (file,) = artifact.files
    assert file.path == name, artifact.metadata
    assert file.local is not None
    return file.local.read_bytes()


# --- tables ---------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # of what pandas warns while it writes
@pytest.mark.parametrize("kind", COLUMNS)
def test_series(kind: str) -> None:
    """A Series becomes a frame of one column that has its name and its values."""
    series = pd.Series(COLUMNS[kind], name="kept", index=["i", "j"])

    table = load_frame(pickle.dumps(series, protocol=4))

    pd.testing.assert_frame_equal(table, series.to_frame())


@pytest.mark.parametrize("kind", INDEXES)
def test_index(kind: str) -> None:
    """An Index becomes a frame of one column, or of one for each of its levels."""
    index = INDEXES[kind]

    table = load_frame(pickle.dumps(index, protocol=4))

    pd.testing.assert_frame_equal(table, index.to_frame(index=False))


def test_series_as_a_file(builder: PayloadBuilder, contents: MemoryContents) -> None:
    """A Series without a name is read back by its place."""
    series = pd.Series([0.5, math.nan, 2.5])

    data = only_file(made_of(builder, contents, series, Form.PARQUET), "x.parquet")

    read = pd.read_parquet(io.BytesIO(data)).iloc[:, 0]
    pd.testing.assert_series_equal(read, series, check_names=False)


@pytest.mark.parametrize("value", [ARROW, ARROW.to_batches()[0]], ids=["table", "batch"])
def test_arrow(value: Any, builder: PayloadBuilder, contents: MemoryContents) -> None:
    """Arrow's own tables need no pandas on their way."""
    data = only_file(made_of(builder, contents, value, Form.PARQUET), "x.parquet")

    assert pq.read_table(io.BytesIO(data)) == ARROW
    assert b"pandas" not in data


def test_tables_of_several_kinds(builder: PayloadBuilder, contents: MemoryContents) -> None:
    """A dict may hold tables of any kind."""
    tables = {"arrow": ARROW, "series": pd.Series([1], name="n"), "frame": pd.DataFrame({"a": [1]})}

    artifact = made_of(builder, contents, tables, Form.FRAMES)

    read = {file.path: pq.read_table(file.local) for file in artifact.files}
    assert list(read) == ["x/arrow.parquet", "x/frame.parquet", "x/series.parquet"]
    assert read["x/arrow.parquet"] == ARROW
    assert read["x/series.parquet"].to_pydict() == {"n": [1]}


@pytest.mark.parametrize("value", [1, {"a": 1}, np.ones(3), ARROW["a"]])
def test_no_table(value: Any) -> None:
    """What is no table is refused."""
    with pytest.raises(TypeError, match="is not a table"):
        load_frame(pickle.dumps(value))


def test_levels_of_an_index_that_there_are_not() -> None:
    """Codes without a level are found before anything is looked up by them."""
    good = pickle.dumps(pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]))
    bad = good.replace(b"C\x02\x00\x01", b"C\x02\x00\x09")

    assert bad != good
    with pytest.raises(ValueError, match="a level that does not exist"):
        load_frame(bad)


def test_empty_dict() -> None:
    """A dict of no tables has none."""
    assert load_frames(pickle.dumps({})) == []


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_polars(protocol: int, tmp_path: Path) -> None:
    """A table of polars that was trusted becomes what polars makes of it."""
    from mfwb.conversion.tables import as_table, write_parquet  # noqa: PLC0415

    for value in (pl.DataFrame({"a": [1, None], "b": ["x", "y"]}), pl.Series("a", [1])):
        loaded = as_table(pickle.loads(pickle.dumps(value, protocol=protocol)))
        write_parquet(loaded, tmp_path / "x.parquet")
        frame = value if isinstance(value, pl.DataFrame) else value.to_frame()
        assert pl.read_parquet(tmp_path / "x.parquet").equals(frame)


# --- arrays ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.ones((3, 2), "float32")),
        np.array(2.5),
        np.array([], "int8"),
        np.array([1 + 2j, math.nan]),
        np.array([True, False]),
        np.array(["a", "öö"]),
        np.array([b"a", b"bb"]),
        np.array([1, 2], ">i4"),
        np.array([1.5], "float16"),
    ],
    ids=lambda array: f"{array.dtype.str}-{array.ndim}",
)
def test_array(array: Any, builder: PayloadBuilder, contents: MemoryContents) -> None:
    """An array comes back with its dtype, its shape and its values."""
    data = only_file(made_of(builder, contents, array, Form.ARRAY), "x.npy")

    read = np.load(io.BytesIO(data), allow_pickle=False)
    loaded = pickle.loads(pickle.dumps(array, protocol=4))  # in the byte order of this machine
    assert (read.dtype, read.shape) == (loaded.dtype, array.shape)
    assert read.tobytes() == loaded.tobytes()


@pytest.mark.parametrize(
    "value", [np.array([{1}, None], object), np.ma.masked_array([1, 2], [False, True]), [1.5]]
)
def test_no_plain_array(value: Any, builder: PayloadBuilder, contents: MemoryContents) -> None:
    """What `.npy` can't say without a pickle in it stays the pickle that it is."""
    artifact = made_of(builder, contents, value, Form.ARRAY)

    assert only_file(artifact, "x.pkl") == pickle.dumps(value, protocol=4)
    assert artifact.metadata["kept_as_pickle"]


# --- values ---------------------------------------------------------------------------------

VALUE = {
    "text": "ö \U0001f600 \ud800",
    "numbers": [1, 2**70, -(10**4000), 0.1, True, None],
    "no numbers": [math.nan, math.inf, -math.inf],
    "tuple": (1, (2, 3)),
    "set": {3, 1, 2},
    "bytes": b"\x00\xff",
    "time": dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc),
    "decimal": Decimal("1.10"),
    "numpy": np.float32(0.5),
    "ordered": OrderedDict(b=1, a=2),
    3: {None: "none", (1, 2): {1.5: "deep"}},
}


def test_value(builder: PayloadBuilder, contents: MemoryContents) -> None:
    """Whatever a plain value holds is in the JSON."""
    data = only_file(made_of(builder, contents, VALUE, Form.JSON), "x.json")

    assert json.loads(data, parse_constant=pytest.fail) == {
        "text": "ö \U0001f600 \ud800",
        "numbers": [1, 2**70, -(10**4000), 0.1, True, None],
        "no numbers": ["NaN", "Infinity", "-Infinity"],
        "tuple": [1, [2, 3]],
        "set": [1, 2, 3],
        "bytes": {"_type": "bytes", "base64": "AP8="},
        "time": "2026-01-02T00:00:00+00:00",
        "decimal": "1.10",
        "numpy": 0.5,
        "ordered": {"b": 1, "a": 2},
        "3": {"None": "none", "(1, 2)": {"1.5": "deep"}},
    }


def test_large_value(builder: PayloadBuilder, contents: MemoryContents) -> None:
    """A value may be larger than what a summary takes."""
    value = [f"{number:>200}" for number in range(60_000)]

    data = only_file(made_of(builder, contents, value, Form.JSON), "x.json")

    assert len(data) > 12_000_000
    assert json.loads(data) == value


@pytest.mark.parametrize("value", [partial(print), np.ones(3)])
def test_no_plain_value(value: Any, builder: PayloadBuilder, contents: MemoryContents) -> None:
    """What has no JSON form stays a pickle."""
    artifact = made_of(builder, contents, value, Form.JSON)

    assert only_file(artifact, "x.pkl") == pickle.dumps(value, protocol=4)


# --- as they are ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("jsonic-v1", "x.jsonic-v1"),
        ("a/../b c", "x.a_.._b_c"),
        ("..", "x.bin"),
        ("", "x.bin"),
        ("e" * 300, f"x.{'e' * 40}"),
        (None, "x.bin"),
    ],
)
def test_stored(
    encoding: str | None, name: str, builder: PayloadBuilder, contents: MemoryContents
) -> None:
    """What another serializer wrote goes as it is, by that serializer's name."""
    content = contents.add_bytes(b'{"a": 1}')
    planned = output(
        planned_file(content, Form.STORED), metadata={"metaflow": {"encoding": encoding}}
    )

    ready = builder.prepare(planned_run(outputs=[planned]), contents)

    assert only_file(ready.artifacts[0], name) == b'{"a": 1}'


# --- converters of other packages -----------------------------------------------------------

PLUGIN = """
def convert(pickle, folder):
    data = pickle.read_bytes()
    if b"two" in data:
        (folder / "sub").mkdir()
        (folder / "sub" / "a.bin").write_bytes(data)
        (folder / "b.txt").write_text("b")
    elif b"one" in data:
        (folder / "whatever.bin").write_bytes(data[::-1])
    elif b"bad" in data:
        raise ValueError("bad")
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PayloadBuilder]:
    """Return a builder where a package with a converter is installed."""
    site = tmp_path / "site"
    (site / "theirs-1.0.dist-info").mkdir(parents=True)
    (site / "theirs-1.0.dist-info" / "METADATA").write_text("Name: theirs\nVersion: 1.0\n")
    (site / "theirs-1.0.dist-info" / "entry_points.txt").write_text(
        "[mfwb.payloads]\ntheirs = theirs_for_mfwb\n"
    )
    (site / "theirs_for_mfwb.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(site))
    builder = PayloadBuilder(tmp_path / "payloads", keep=True)
    yield builder
    builder.close()


def test_plugin(plugin: PayloadBuilder, contents: MemoryContents) -> None:
    """A converter's only file goes by the artifact's name, several into a folder of that name."""
    outputs = [
        output(
            planned_file(contents.add(name, name), Form.PLUGIN, name, plugin=by),
            name=name,
        )
        for name, by in (
            ("one", "theirs"),
            ("two", "theirs"),
            ("bad", "theirs"),
            ("empty", "theirs"),
            ("gone", "no"),
        )
    ]

    ready = plugin.prepare(planned_run(outputs=outputs), contents)

    files = {
        artifact.planned.name: {
            file.path: file.local.read_bytes() for file in artifact.files if file.local
        }
        for artifact in ready.artifacts
    }
    assert files["one"] == {"one.bin": pickle.dumps("one", protocol=4)[::-1]}
    assert files["two"] == {"two/b.txt": b"b", "two/sub/a.bin": pickle.dumps("two", protocol=4)}
    kept = {
        artifact.planned.name: artifact.metadata.get("kept_as_pickle")
        for artifact in ready.artifacts
    }
    assert kept == {
        "one": None,
        "two": None,
        "bad": "ValueError: bad",
        "empty": "ValueError: the converter theirs made no file from it",
        "gone": "LookupError: there is no converter no",
    }


# --- once -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [Form.PARQUET, Form.FRAMES, Form.ARRAY, Form.JSON])
def test_read_once(form: Form, builder: PayloadBuilder, contents: MemoryContents) -> None:
    """Siblings that wrote what can't be converted cost one read and one try between them."""
    content = contents.add(partial(print))
    files = [planned_file(content, form, f"{location}/x") for location in range(4)]
    run = planned_run(outputs=[output(*files)])

    builder.prepare(run, contents)
    ready = builder.prepare(run, contents)

    (artifact,) = ready.artifacts
    assert [file.path for file in artifact.files] == [f"{location}/x.pkl" for location in range(4)]
    assert contents.read_whole == ["x"]


def test_numpy_is_not_needed_here() -> None:
    """This process imports no numpy for any of it."""
    import subprocess  # noqa: PLC0415

    code = (
        "import sys, mfwb.payload.builder, mfwb.conversion.convert;"
        "print({'pandas', 'numpy', 'pyarrow', 'polars', 'PIL'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


@pytest.mark.parametrize("form", [Form.PARQUET, Form.FRAMES])
def test_no_bytes_are_lost(form: Form, builder: PayloadBuilder) -> None:
    """A frame that is not loaded goes to W&B as the pickle it is."""
    contents = MemoryContents()
    content = contents.add(OBJECTS["in a frame"])
    contents.logs[content.task] = []
    run = planned_run(outputs=[output(planned_file(content, form))])

    ready = builder.prepare(run, contents)

    (file,) = ready.artifacts[0].files
    assert file.path == "x.pkl"
    assert file.local is not None
    assert file.local.read_bytes() == contents.blobs[content.sha1]
    assert ready.losses == ()


@every_pickle
def test_prepared(name: str, contents: MemoryContents, builder: PayloadBuilder) -> None:
    """Each goes as the very pickle, and says that it takes torch to load it."""
    ref = looked_into(name, contents)
    content = Content(TASK, name, ref.sha1, ref.size)
    planned = output(planned_file(content, classify(ref).form, name), name=name)

    ready = builder.prepare(planned_run(outputs=[planned]), contents)

    [artifact] = ready.artifacts
    [file] = artifact.files
    assert ready.losses == ()
    assert file.path == f"{name}.pkl"
    assert file.local is not None
    assert file.local.read_bytes() == (DATA / f"{name}.pkl").read_bytes()
    assert "torch" in artifact.metadata["modules"]
    assert "Loading it runs code of: " in artifact.description
