"""DataFrames are loaded from pickles and written to parquet."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mfwb.conversion.tables import load_frame, load_frames, write_parquet
from tests.unit.payload.frames_of_all_kinds import frames

DATA = Path(__file__).parents[2] / "data" / "pickles"
FRAMES = frames()
OLD_PICKLES = [path for path in sorted(DATA.glob("pandas_2_2_*.pkl")) if "_date_" not in path.name]
PANDAS = tuple(map(int, pd.__version__.split(".")[:2]))


# What pandas and pyarrow warn of while they write is not what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore")


def parquet_of(frame: pd.DataFrame) -> bytes:
    """Return what W&B's decorator would have written."""
    file = io.BytesIO()
    frame.to_parquet(file, engine="pyarrow")
    return file.getvalue()


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("kind", FRAMES)
def test_parquet_is_the_decorators(kind: str, protocol: int, tmp_path: Path) -> None:
    """The parquet file of a pickled frame is, byte for byte, that of the frame itself."""
    frame = FRAMES[kind]

    loaded = load_frame(pickle.dumps(frame, protocol=protocol))
    write_parquet(loaded, tmp_path / "x.parquet")

    assert (tmp_path / "x.parquet").read_bytes() == parquet_of(frame)
    pd.testing.assert_frame_equal(loaded, frame)


@pytest.mark.parametrize("path", OLD_PICKLES, ids=lambda path: path.stem)
def test_pickles_of_older_pandas(path: Path, tmp_path: Path) -> None:
    """Frames that pandas 2.2 pickled come out as if the pickle had been trusted."""
    frame = load_frame(path.read_bytes())
    write_parquet(frame, tmp_path / "x.parquet")

    trusted = pickle.loads(path.read_bytes())
    pd.testing.assert_frame_equal(frame, trusted)
    assert (tmp_path / "x.parquet").read_bytes() == parquet_of(trusted)


@pytest.mark.skipif(PANDAS < (2, 3), reason="pandas 2.2 has no such strings")
@pytest.mark.parametrize("name", ["pandas_2_3_string_pynan", "pandas_2_3_string_panan"])
def test_strings_of_pandas_2_3(name: str) -> None:
    """Strings whose class was merged with another in pandas 3 can be read nevertheless."""
    frame = load_frame((DATA / f"{name}.pkl").read_bytes())

    assert frame["s"].fillna("none").tolist() == ["x", "none", "z"]


def test_values_of_an_older_pickle() -> None:
    """What pandas 2.2 pickled says what it said then."""
    frame = load_frame((DATA / "pandas_2_2_ix_multi.pkl").read_bytes())

    assert frame.reset_index().to_dict("list") == {
        "x": ["a", "a", "b", "b"],
        "y": [1, 2, 1, 2],
        "v": [0, 1, 2, 3],
    }


def test_zones_of_an_older_pickle(tmp_path: Path) -> None:
    """Zones that pandas 2.2 took from pytz are found without pytz."""
    frame = load_frame((DATA / "pandas_2_2_ix_date_me.pkl").read_bytes())
    write_parquet(frame, tmp_path / "x.parquet")

    back = pd.read_parquet(tmp_path / "x.parquet")
    assert [str(moment) for moment in back.index] == [
        "2020-01-31 00:00:00+01:00",
        "2020-02-29 00:00:00+01:00",
        "2020-03-31 00:00:00+02:00",
    ]


def test_other_byte_order() -> None:
    """Numbers of a machine of the other byte order keep their values."""
    frame = pd.DataFrame({"a": np.array([1.5, 2], ">f8")})

    assert load_frame(pickle.dumps(frame))["a"].tolist() == [1.5, 2.0]


def test_dict_and_list_of_frames() -> None:
    """Frames in a dict go by its keys, those in a list by their place."""
    frame = pd.DataFrame({"a": [1]})

    assert [key for key, _ in load_frames(pickle.dumps({"x": frame, 3: frame}))] == ["x", "3"]
    assert [key for key, _ in load_frames(pickle.dumps([frame, frame]))] == ["0", "1"]


@pytest.mark.parametrize("value", [{"x": 1}, [pd.DataFrame(), None], (pd.DataFrame(),), "x"])
def test_no_frames(value: object) -> None:
    """A container with something else in it is refused as a whole."""
    with pytest.raises(TypeError):
        load_frames(pickle.dumps(value))


def test_no_frame() -> None:
    """A pickle of something else is refused."""
    with pytest.raises(TypeError, match="a int is not a table"):
        load_frame(pickle.dumps(1))


@pytest.mark.parametrize("codes", [[0, 7], [-5, 0]])
def test_categories_that_there_are_not(codes: list[int]) -> None:
    """Codes without a category would let pandas read memory that is not the frame's."""
    column = pd.Categorical(["a", "b"])
    column._ndarray[:] = codes  # noqa: SLF001 - pandas checks codes everywhere else

    with pytest.raises(ValueError, match="a category that does not exist"):
        load_frame(pickle.dumps(pd.DataFrame({"c": column})))


def test_levels_that_there_are_not() -> None:
    """The same goes for the codes of an index."""
    frame = pd.DataFrame({"v": [0, 1]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]))
    good = pickle.dumps(frame)
    bad = good.replace(b"C\x02\x00\x01", b"C\x02\x00\x09")

    assert bad != good
    with pytest.raises(ValueError, match="a level that does not exist"):
        load_frame(bad)


def test_blocks_out_of_place() -> None:
    """Pandas writes to where the blocks of a frame say they belong, so mfwb looks first."""
    good = pickle.dumps(pd.DataFrame({"a": [1, 2], "b": [1.5, 2]}))
    bad = good.replace(b"K\x01K\x02K\x01\x87", b"K\x05K\x06K\x01\x87", 1)

    assert bad != good
    with pytest.raises(ValueError, match="have wrong positions"):
        load_frame(bad)
