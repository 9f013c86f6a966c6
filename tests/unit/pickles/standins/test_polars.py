"""Tables of polars become parquet without polars."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mfwb.conversion.tables import load_frame, load_frames, write_parquet
from tests.support.versions import since

DATA = Path(__file__).parents[3] / "data" / "pickles"
BERLIN = ZoneInfo("Europe/Berlin")
VERSIONS = ["1_0", "1_30", "2_1"]
COLUMNS: dict[str, list[Any]] = {
    "number": [1, None, 3],
    "text": ["short", None, "longer than twelve letters"],
    "bytes": [b"short", None, b"longer than twelve bytes"],
    "flag": [True, None, False],
    "category": ["b", None, "a"],
    "choice": ["b", None, "a"],
    "moment": [
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=BERLIN),
        None,
        datetime(2026, 7, 2, tzinfo=BERLIN),
    ],
    "day": [date(2026, 1, 2), None, date(2026, 1, 3)],
    "span": [timedelta(seconds=5), None, timedelta(0)],
    "price": [Decimal("1.25"), None, Decimal("2.50")],
    "items": [["x"], None, []],
    "pair": [[1, 2], None, [3, 4]],
    "parts": [{"n": 1, "c": "b"}, {"n": None, "c": None}, {"n": 3, "c": "a"}],
    "nothing": [None, None, None],
}


def parquet_of(data: bytes, folder: Path) -> pa.Table:
    """Return what the parquet of a pickled table holds."""
    write_parquet(load_frame(data), folder / "x.parquet")
    return pq.read_table(folder / "x.parquet")


@since("pyarrow", "25", "it casts string views, and writes lists that hold more than their entries")
@pytest.mark.parametrize("version", VERSIONS)
def test_frame(version: str, tmp_path: Path) -> None:
    """A frame with a column of each kind, as several versions pickled it."""
    table = parquet_of((DATA / f"polars_{version}_frame.pkl").read_bytes(), tmp_path)

    assert table.to_pydict() == COLUMNS
    assert pa.types.is_dictionary(table.schema.field("category").type)
    assert pa.types.is_dictionary(table.schema.field("choice").type)


@pytest.mark.parametrize("version", VERSIONS)
def test_series(version: str, tmp_path: Path) -> None:
    """A Series becomes the only column, under its name."""
    table = parquet_of((DATA / f"polars_{version}_series.pkl").read_bytes(), tmp_path)

    assert table.to_pydict() == {"n": [1, None]}


def test_polars_is_not_needed() -> None:
    """Nothing of polars is imported, whether it is there or not."""
    program = (
        "import sys; from pathlib import Path; from mfwb.conversion.tables import load_frame;"
        "assert load_frame(Path(sys.argv[1])).num_rows == 3; print('polars' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(DATA / "polars_2_1_frame.pkl")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "False\n"


def stream_of(table: pa.Table, **options: Any) -> bytes:
    """Return a table as polars pickles it: as a stream of arrow."""
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as to:
        to.write_table(table)
    return file.getvalue()


def pickled(state: Any, name: str = "polars.dataframe.frame.DataFrame") -> bytes:
    """Return a pickle of what polars has under a name, with a state."""
    module, _, kind = name.rpartition(".")
    set_state = pickle.dumps(state, protocol=4)[2:-1]
    return b"\x80\x04c" + f"{module}\n{kind}\n".encode() + b")\x81" + set_state + b"b."


def test_tables_of_polars_and_others() -> None:
    """What stands for tables of polars may be in dicts and lists."""
    frame = pickled(stream_of(pa.table({"a": [1]})))[2:-1]

    [(key, table)] = load_frames(b"\x80\x04}X\x01\x00\x00\x00x" + frame + b"s.")

    assert (key, table.to_pydict()) == ("x", {"a": [1]})


GOOD = stream_of(pa.table({"a": ["x", "yy"], "b": [1, 2]}))
OFFSETS = (0).to_bytes(4, "little") + (1).to_bytes(4, "little") + (3).to_bytes(4, "little")


def test_the_good_one() -> None:
    """What the bad ones are made of is read."""
    assert OFFSETS in GOOD
    assert load_frame(pickled(GOOD)).to_pydict() == {"a": ["x", "yy"], "b": [1, 2]}
    item = stream_of(pa.table({"b": [1]}))
    assert load_frame(pickled(item, "polars.series.series.Series")).to_pydict() == {"b": [1]}


@pytest.mark.parametrize(
    "state",
    [
        None,
        1,
        "text",
        {},
        (None, {}),
        [1],
        [b""],
        b"",
        b"no stream",
        b"ARROW1\0\0",
        GOOD[:10],
        GOOD[: len(GOOD) // 2],
        GOOD.replace(OFFSETS, OFFSETS[:8] + b"\xff\xff\xff\x7f"),
        GOOD.replace(OFFSETS, b"\xff\xff\xff\xff" + OFFSETS[4:]),
    ],
)
@pytest.mark.parametrize("kind", ["dataframe.frame.DataFrame", "series.series.Series"])
def test_hostile(kind: str, state: Any) -> None:
    """A state that polars would not write is refused before anything is read by it."""
    with pytest.raises((pickle.UnpicklingError, TypeError, ValueError, OSError)):
        load_frame(pickled(state, f"polars.{kind}"))


def test_a_series_of_two_columns() -> None:
    """A Series has one column."""
    with pytest.raises(ValueError, match="a Series of 2 columns"):
        load_frame(pickled(GOOD, "polars.series.series.Series"))


def test_nulls_without_end() -> None:
    """Nulls take no bytes, so that a few bytes could stand for any number of them."""
    nulls = stream_of(pa.table({"a": pa.nulls(20_000_000)}))

    with pytest.raises(ValueError, match="more items than it has bytes for"):
        load_frame(pickled(nulls))


def test_a_state_that_is_shared() -> None:
    """A Series of one and the same frame again and again is no table."""
    series = pickled(stream_of(pa.table({"b": [1]})), "polars.series.series.Series")[2:-1]
    frame = b"\x80\x04cpolars.dataframe.frame\nDataFrame\n)\x81]q\x07" + series + b"q\x08a"

    with pytest.raises(ValueError, match="two columns of one name"):
        load_frame(frame + b"h\x08ab.")


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed(codec: str) -> None:
    """A stream may be compressed; what comes of it is bounded by the memory of the process."""
    table = pa.table({"a": [0] * 1000})

    assert load_frame(pickled(stream_of(table, compression=codec))) == table
