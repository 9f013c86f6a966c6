"""Previews of artifacts in a W&B run."""

from __future__ import annotations

import json
import math
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as plotly
import polars as pl
import pyarrow as pa
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mfwb.conversion.images import load_pickled_image, write_figure_png, write_image_png
from mfwb.conversion.plotly import load_figure, write_figure
from mfwb.conversion.read_table_rows import read_rows
from mfwb.conversion.table_rows import write_rows
from mfwb.conversion.tables import as_table
from mfwb.payload import PayloadBuilder
from mfwb.planning import Form, Preview
from mfwb.ports import ReadyPreview, ReadyRun, ReadyTable
from mfwb.redaction import MASK
from tests.support.secret_kinds import letters
from tests.unit.payload.memory import TASK, MemoryContents, output, planned_file, planned_run

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None]})


@pytest.fixture
def contents() -> MemoryContents:
    """Return contents in which the task printed nothing."""
    result = MemoryContents()
    result.logs[TASK] = []
    return result


def rows_of(table: Any, folder: Path) -> ReadyTable:
    """Return the first rows of a table, written and read back."""
    write_rows(as_table(table), folder / "rows.json")
    return read_rows(folder / "rows.json")


def like(module: str, name: str, state: Any = None, arguments: tuple[Any, ...] = ()) -> bytes:
    """Return the pickle of an object of a library that need not be installed."""

    class Stored:
        def __reduce__(self) -> tuple[Any, ...]:
            return (kind, arguments) if state is None else (kind, arguments, state)

    kind = type(name, (), {"__module__": module, "__qualname__": name})
    parts = module.split(".")
    locations = {".".join(parts[:end]): ModuleType(parts[0]) for end in range(1, len(parts) + 1)}
    setattr(locations[module], name, kind)
    with pytest.MonkeyPatch.context() as patch:
        for location, standing_in in locations.items():
            patch.setitem(sys.modules, location, standing_in)
        return pickle.dumps(Stored(), protocol=4)


# --- tables ---------------------------------------------------------------------------------


def test_rows(tmp_path: Path) -> None:
    """Cells are scalars of JSON; what is missing is nothing at all."""
    frame = pd.DataFrame(
        {
            "number": [1.5, math.nan, math.inf],
            "text": ["x", None, "y" * 900],
            "time": pd.to_datetime(pd.Series(["2026-01-01", None, "2026-01-03"])),
            "list": [[1, 2], {"a": math.nan}, None],
            "int": pd.array([1, None, 2**60], dtype="Int64"),
            "category": pd.Categorical(["a", None, "b"]),
            "interval": pd.interval_range(0, 3),
            "bool": [True, False, True],
        }
    )

    shown = rows_of(frame, tmp_path)

    assert shown == ReadyTable(
        columns=tuple(frame.columns),
        rows=(
            (1.5, "x", "2026-01-01T00:00:00", "[1, 2]", 1, "a", "(0, 1]", True),
            (None, None, None, '{"a": "NaN"}', None, None, "(1, 2]", False),
            ("Infinity", "y" * 500, "2026-01-03T00:00:00", None, str(2**60), "b", "(2, 3]", True),
        ),
    )


def test_only_the_beginning(tmp_path: Path) -> None:
    """A wide and long table shows a corner of itself."""
    shown = rows_of(pd.DataFrame(np.arange(200 * 60).reshape(200, 60)), tmp_path)

    assert shown.columns == tuple(str(number) for number in range(50))
    assert len(shown.rows) == 100
    assert shown.rows[99][49] == 99 * 60 + 49


@pytest.mark.parametrize(
    ("index", "columns"),
    [
        (pd.RangeIndex(2), ("v",)),
        (pd.RangeIndex(2, name="n"), ("n", "v")),
        (pd.RangeIndex(1, 3), ("index", "v")),
        (pd.Index(["a", "b"]), ("index", "v")),
        (pd.Index(["a", "b"], name="v"), ("v", "v_")),
        (pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["x", None]), ("x", "level_1", "v")),
    ],
)
def test_index(index: Any, columns: tuple[str, ...], tmp_path: Path) -> None:
    """An index that says something is shown as columns; no two have one name."""
    shown = rows_of(pd.DataFrame({"v": [0, 1]}, index=index), tmp_path)

    assert shown.columns == columns
    assert [row[-1] for row in shown.rows] == [0, 1]


def test_columns_in_levels(tmp_path: Path) -> None:
    """Columns in levels are named by all of them."""
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)]))

    assert rows_of(frame, tmp_path).columns == ("a/1", "a/2")


def test_rows_of_arrow(tmp_path: Path) -> None:
    """Arrow's tables show the same."""
    table = pa.table({"a": list(range(200)), "b": [[1]] * 200})

    shown = rows_of(table, tmp_path)

    assert shown.columns == ("a", "b")
    assert shown.rows[99] == (99, "[1]")
    assert len(shown.rows) == 100


@pytest.mark.parametrize("table", [pd.DataFrame(), pa.table({})])
def test_empty(table: Any, tmp_path: Path) -> None:
    """An empty table shows none."""
    assert rows_of(table, tmp_path) == ReadyTable((), ())


def test_rows_of_polars(tmp_path: Path) -> None:
    """So do those of polars."""
    shown = rows_of(pl.DataFrame({"a": range(200)}), tmp_path)

    assert shown.columns == ("a",)
    assert shown.rows[99] == (99,)
    assert len(shown.rows) == 100


def prepared(
    builder: PayloadBuilder, contents: MemoryContents, data: bytes, form: Form, preview: Preview
) -> ReadyRun:
    """Return what is ready of a W&B run with one artifact."""
    file = planned_file(contents.add_bytes(data, "x"), form, "x", preview)
    ready = builder.prepare(planned_run(outputs=[output(file)]), contents)
    assert ready.losses == ()
    return ready


def test_table_of_an_artifact(builder: PayloadBuilder, contents: MemoryContents) -> None:
    """The rows come out of the same conversion as the file: the pickle is read once."""
    ready = prepared(builder, contents, pickle.dumps(FRAME), Form.PARQUET, Preview.TABLE)

    rows = ReadyTable(("a", "b"), ((1, "x"), (2, None)))
    assert ready.previews == (ReadyPreview("x", Preview.TABLE, table=rows),)
    assert [file.path for file in ready.artifacts[0].files] == ["x.parquet"]
    assert contents.copies == ["x"]


def test_table_that_parquet_refuses(builder: PayloadBuilder, contents: MemoryContents) -> None:
    """A table that stays a pickle can be looked at nevertheless."""
    mixed = pickle.dumps(pd.DataFrame({"a": [1, "x"]}))

    ready = prepared(builder, contents, mixed, Form.PARQUET, Preview.TABLE)

    assert [file.path for file in ready.artifacts[0].files] == ["x.pkl"]
    assert ready.previews[0].table == ReadyTable(("a",), ((1,), ("x",)))
    assert contents.copies == ["x"]


def test_keys(builder: PayloadBuilder, contents: MemoryContents) -> None:
    """No preview takes the place of a value, or of what the summary says of its own."""
    files = [
        planned_file(contents.add(FRAME, name), Form.PARQUET, f"{location}/{name}", Preview.TABLE)
        for location, name in enumerate(("loss", "tasks", "free", "free"))
    ]
    run = planned_run(
        values={"loss": [contents.add(0.5, "loss")]}, outputs=[output(file) for file in files]
    )

    ready = builder.prepare(run, contents)

    assert [preview.key for preview in ready.previews] == ["loss_", "tasks_", "free", "free_"]
    assert ready.summary == {"loss": 0.5}


@pytest.mark.parametrize("preview", Preview)
def test_nothing_to_show(
    preview: Preview, builder: PayloadBuilder, contents: MemoryContents
) -> None:
    """What can't be shown is no loss: the artifact has it; of pictures, the summary says why."""
    ready = prepared(builder, contents, pickle.dumps(ValueError("x")), Form.PICKLE, preview)

    why = "not shown: its pickle refers to builtins.ValueError, which is not loaded"
    said = (
        [] if preview in {Preview.TABLE, Preview.CHART} else [ReadyPreview("x", preview, value=why)]
    )
    assert list(ready.previews) == said
    assert [file.path for file in ready.artifacts[0].files] == ["x.pkl"]


# --- images ---------------------------------------------------------------------------------

PIXELS = bytes(range(18))
STATE = [{"dpi": (72, 72)}, "RGB", (3, 2), None, PIXELS]


@pytest.mark.parametrize(
    ("module", "name", "state"),
    [
        ("PIL.Image", "Image", STATE),
        ("PIL.PngImagePlugin", "PngImageFile", [*STATE, "a.png"]),
        ("PIL.JpegImagePlugin", "JpegImageFile", [*STATE, [], []]),
    ],
)
def test_parts_of_an_image(module: str, name: str, state: list[Any]) -> None:
    """The parts of an image are found without Pillow, whatever file it was read from."""
    assert load_pickled_image(like(module, name, state)).state == state


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(STATE),
        pickle.dumps(print),
        like("PIL.Image", "Image"),
        like("PIL.Image", "Image", {"mode": "RGB"}),
        like("PIL.Image", "Image", STATE[:4]),
        like("PIL.Image", "Image", [print, *STATE[1:]]),
    ],
)
def test_no_image(data: bytes) -> None:
    """What is no image is refused, and nothing of it is called."""
    with pytest.raises(pickle.UnpicklingError):
        load_pickled_image(data)


@pytest.mark.parametrize(
    "state",
    [
        [{}, "RGB", (3, 3), None, PIXELS],
        [{}, "RGB", (0, 2), None, b""],
        [{}, "RGB", (10_000, 10_000), None, PIXELS],
        [{}, "RGB", (3.0, 2), None, PIXELS],
        [{}, "RGB", (3, 2), None, "text"],
        [{}, 7, (3, 2), None, PIXELS],
        [{}, "no mode", (3, 2), None, PIXELS],
    ],
)
def test_parts_that_make_no_image(state: list[Any], tmp_path: Path) -> None:
    """Parts that don't fit make no picture."""
    image = load_pickled_image(like("PIL.Image", "Image", state))

    with pytest.raises((ValueError, TypeError, KeyError)):
        write_image_png(image, tmp_path / "x.png")


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"]
)
def test_image(mode: str, tmp_path: Path) -> None:
    """An image of any mode becomes a PNG of what it shows."""
    image = Image.new("RGB", (5, 4), (10, 20, 30))
    image = Image.new(mode, (5, 4)) if mode in {"I;16", "LA"} else image.convert(mode)

    write_image_png(load_pickled_image(pickle.dumps(image, protocol=4)), tmp_path / "x.png")

    with Image.open(tmp_path / "x.png") as shown:
        assert shown.size == (5, 4)
        assert shown.format == "PNG"
        assert shown.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_large_image(tmp_path: Path) -> None:
    """A large image is made smaller."""
    image = Image.new("L", (5000, 1000), 7)

    write_image_png(load_pickled_image(pickle.dumps(image)), tmp_path / "x.png")

    with Image.open(tmp_path / "x.png") as shown:
        assert shown.size == (2048, 410)


def test_matplotlib(tmp_path: Path) -> None:
    """A figure of matplotlib becomes a PNG, unless it is too large for that."""
    figure = Figure()
    figure.subplots().plot([1, 2])

    write_figure_png(pickle.loads(pickle.dumps(figure)), tmp_path / "x.png")

    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    figure.set_size_inches(1000, 1000)
    with pytest.raises(ValueError, match="too large"):
        write_figure_png(figure, tmp_path / "y.png")


# --- figures --------------------------------------------------------------------------------

PACKED = {"dtype": "f8", "bdata": "AAAAAAAA8D8AAAAAAAAAQA=="}
FIGURE = {
    "data": [{"x": PACKED, "y": (3, math.nan), "z": np.ones((2, 2)), "type": "scatter"}],
    "layout": {"title": {"text": "ö"}, "width": np.int64(3)},
    "_grid_str": None,
}
DRAWN = {
    "data": [{"x": [1.0, 2.0], "y": [3, None], "z": [[1.0, 1.0], [1.0, 1.0]], "type": "scatter"}],
    "layout": {"title": {"text": "ö"}, "width": 3},
}


def test_figure(tmp_path: Path) -> None:
    """A figure becomes what W&B draws: lists in place of arrays, gaps in place of NaN."""
    data = like("plotly.graph_objs._figure", "Figure", arguments=(FIGURE,))

    write_figure(load_figure(data), tmp_path / "x.json")

    assert json.loads((tmp_path / "x.json").read_bytes()) == DRAWN


def test_packed_in_a_shape(tmp_path: Path) -> None:
    """Packed numbers may have a shape."""
    packed = {"dtype": "u1", "bdata": "AQIDBAUG", "shape": "2, 3"}

    write_figure({"data": [{"z": packed}], "layout": {}}, tmp_path / "x.json")

    assert json.loads((tmp_path / "x.json").read_bytes())["data"] == [{"z": [[1, 2, 3], [4, 5, 6]]}]


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(FIGURE),
        like("plotly.graph_objs._figure", "Figure", arguments=(3,)),
        like("plotly.graph_objs._figure", "Figure", arguments=({"data": [print]},)),
    ],
)
def test_no_figure(data: bytes) -> None:
    """What is no figure is refused."""
    with pytest.raises(pickle.UnpicklingError):
        load_figure(data)


@pytest.mark.parametrize(
    "trace",
    [{"x": "y" * 11_000_000}, {"x": {"dtype": "O", "bdata": ""}}],
)
def test_figure_that_is_not_drawn(trace: dict[str, Any], tmp_path: Path) -> None:
    """A figure that is too large, or holds what can't be drawn, is left."""
    with pytest.raises(Exception, match=r"too large|larger than|numbers of the type"):
        write_figure({"data": [trace], "layout": {}}, tmp_path / "x.json")


def test_figure_of_plotly(tmp_path: Path) -> None:
    """What plotly itself pickles is what it draws."""
    figure = plotly.Figure(plotly.Scatter(x=np.array([1.0, 2]), y=[3, None]))

    write_figure(load_figure(pickle.dumps(figure, protocol=4)), tmp_path / "x.json")

    drawn = json.loads((tmp_path / "x.json").read_bytes())
    assert drawn["data"] == [{"x": [1.0, 2.0], "y": [3, None], "type": "scatter"}]
    assert drawn["layout"]["template"]


def test_figure_of_an_artifact(builder: PayloadBuilder, contents: MemoryContents) -> None:
    """A figure is shown, and its artifact is the pickle."""
    data = like("plotly.graph_objs._figure", "Figure", arguments=(FIGURE,))

    ready = prepared(builder, contents, data, Form.PICKLE, Preview.FIGURE)

    (shown,) = ready.previews
    assert (shown.key, shown.kind, shown.table) == ("x", Preview.FIGURE, None)
    [media] = shown.media
    assert (media.type, media.format) == ("plotly-file", "plotly.json")
    assert json.loads(media.path.read_bytes()) == DRAWN
    assert ready.artifacts[0].metadata == {"modules": ["numpy", "plotly"]}
    assert contents.copies == ["x"]


@pytest.mark.parametrize(
    "said",
    [
        b"[]",
        b"{}",
        b'{"columns": 5, "rows": []}',
        b'{"columns": [["a"]], "rows": []}',
        b'{"columns": ["a"], "rows": [5]}',
        b'{"columns": ["a"], "rows": [[1, 2]]}',
        b'{"columns": ["a"], "rows": [[{"_type": "x"}]]}',
        b"[" * 100_000,
        b"\xff",
        b" " * 64_000_001,
    ],
    ids=lambda reported: reported[:40].decode("latin1"),
)
def test_rows_of_one_that_was_taken_over(said: bytes, tmp_path: Path) -> None:
    """Nothing is shown of a file that no honest process writes."""
    (tmp_path / "rows").write_bytes(said)

    with pytest.raises(ValueError, match=r"."):
        read_rows(tmp_path / "rows")


def test_a_page_of_markdown_shows_no_secret(
    builder: PayloadBuilder, contents: MemoryContents
) -> None:
    """It is made of the masked text: on the page, quotes and marks of lists come in between."""
    secret = letters("s", 20)
    text = f'- "api_key": "{secret}"\n- password: {secret}\n\n<password>{secret}</password>\n'
    file = planned_file(contents.add(text, "log_md"), Form.MEDIA, "log_md", Preview.MEDIA)

    ready = builder.prepare(planned_run(outputs=[output(file)]), contents)

    [preview] = ready.previews
    page = preview.media[0].path.read_text(encoding="utf-8")
    assert "<li>" in page
    assert MASK in page
    assert secret not in page
    assert [(entry.item, entry.marks > 0) for entry in ready.masked] == [(f"{TASK}/log_md", True)]
