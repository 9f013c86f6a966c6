"""Classification of artifacts: by type, names in the pickle, size and settings."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mfwb import pickles
from mfwb.config import Plugin, Settings, StepSettings
from mfwb.planning import Form, Preview
from mfwb.planning.classify import (
    Classification,
    Kind,
    classify,
    needs_inspection,
    needs_look_at_start,
)
from mfwb.planning.type_table import FAMILIES
from mfwb.snapshot import ArtifactRef
from tests.support.flow_runs import ref

VALUE = Classification(Kind.VALUE, Form.JSON)
MODEL = Classification(Kind.MODEL)
OTHER = Classification(Kind.OTHER)
TEXT = Classification(Kind.OTHER, Form.JSON)
ARRAY = Classification(Kind.OTHER, Form.ARRAY, Preview.CHART)
PICTURES = Classification(Kind.OTHER, Form.PICKLE, Preview.IMAGES)
SHOWN_FILE = Classification(Kind.OTHER, Form.MEDIA, Preview.MEDIA)
DATASET = Classification(Kind.DATASET)
TABLE = Classification(Kind.DATASET, Form.PARQUET, Preview.TABLE)
FRAMES = Classification(Kind.DATASET, Form.FRAMES)
PATH = Classification(Kind.DATASET, Form.PATH)
INCLUDE = Classification(Kind.DATASET, Form.INCLUDE)
PICTURE = Classification(Kind.OTHER, Form.IMAGE, Preview.IMAGE)
DRAWING = Classification(Kind.OTHER, Form.PICKLE, Preview.IMAGE)
FIGURE = Classification(Kind.OTHER, Form.PICKLE, Preview.FIGURE)

TENSOR = ("collections.OrderedDict", "torch._utils._rebuild_tensor_v2")
PARAMETER = ("torch._utils._rebuild_parameter", *TENSOR)


class Wrapper:
    """A class of the flow's own."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts


def chosen(**said: Any) -> StepSettings:
    """Return what holds for a step of a flow where this was said."""
    return Settings.model_validate(said).for_step("MyFlow", "start")


def recorded(value: Any) -> ArtifactRef:
    """Return what Metaflow records of a value, looked into where that is needed."""
    data = pickle.dumps(value, 4)
    kind = str(type(value)).removeprefix("<class '").removesuffix("'>")
    result = ref("x", type_=kind, size=len(data))
    if not needs_inspection(result):
        return result
    return ref("x", type_=kind, size=len(data), names=pickles.read_names(data))


FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
FITTED = make_pipeline(StandardScaler(), LogisticRegression())


@pytest.mark.parametrize(
    ("value", "classification"),
    [
        (1, VALUE),
        (None, VALUE),
        (np.float64(1), VALUE),
        ({"a": [1, np.int64(2)]}, VALUE),
        ([Path("/a"), Path("b")], VALUE),
        (FRAME, TABLE),
        (FRAME["a"], TABLE),
        (FRAME.index, TABLE),
        (pd.date_range("2026", periods=2), TABLE),
        (pd.MultiIndex.from_tuples([(1, "a")]), TABLE),
        (pa.table({"a": [1]}), TABLE),
        (pa.record_batch({"a": [1]}), TABLE),
        ({"train": FRAME, "test": FRAME}, FRAMES),
        ([FRAME["a"], FRAME.index], FRAMES),
        ({"a": pa.table({"a": [1]}), "n": 1}, FRAMES),
        ((FRAME, FRAME), DATASET),
        (OrderedDict(a=FRAME), DATASET),
        (Wrapper(FRAME), DATASET),
        (Path("/data"), PATH),
        (np.zeros(3), ARRAY),
        ([np.zeros(3)], OTHER),
        (pd.Timestamp("2026"), OTHER),
        (pa.array([1]), OTHER),
        (b"bytes", OTHER),
        (FITTED, MODEL),
        ({"model": FITTED, "score": 1}, MODEL),
        ([FITTED, FITTED], MODEL),
        ({"model": FITTED, "data": FRAME}, MODEL),
        (Wrapper(1, FITTED), MODEL),
        (Wrapper(Wrapper(FITTED)), MODEL),
        (Wrapper(1), OTHER),
        (Wrapper(np.zeros(3)), OTHER),
        (Wrapper(Path("/a")), OTHER),
    ],
    ids=lambda item: type(item).__name__,
)
def test_real_pickles(value: Any, classification: Classification) -> None:
    """Real values of real libraries, as this Python pickles them."""
    assert classify(recorded(value)) == classification


@pytest.mark.parametrize(
    ("type_", "classification"),
    [
        ("str", VALUE),
        ("numpy.bool_", VALUE),
        ("pandas.core.series.Series", TABLE),
        ("polars.dataframe.frame.DataFrame", TABLE),
        ("pathlib.WindowsPath", PATH),
        ("metaflow.includefile.IncludedFile", INCLUDE),
        ("numpy.ndarray", ARRAY),
        ("datasets.arrow_dataset.Dataset", DATASET),
        ("keras.src.models.sequential.Sequential", MODEL),
        ("torch.Tensor", OTHER),
        ("PIL.PngImagePlugin.PngImageFile", PICTURE),
        ("plotly.graph_objs._figure.Figure", FIGURE),
        ("matplotlib.figure.Figure", OTHER),
        ("__main__.Thing", OTHER),
        ("", OTHER),
    ],
)
def test_by_type(type_: str, classification: Classification) -> None:
    """A type that says enough decides alone; one that is not known is something other."""
    assert classify(ref("x", type_=type_)) == classification


@pytest.mark.parametrize(
    ("type_", "names", "classification"),
    [
        ("dict", (), VALUE),
        ("set", ("builtins.set",), VALUE),
        ("tuple", ("datetime.datetime", "decimal.Decimal"), VALUE),
        ("collections.OrderedDict", ("collections.OrderedDict",), VALUE),
        ("list", ("numpy.core.multiarray.scalar", "numpy.dtype"), VALUE),
        ("dict", ("pathlib._local.PosixPath",), VALUE),
        ("dict", None, OTHER),
        ("dict", ("pandas.core.frame.DataFrame", "numpy.dtype"), FRAMES),
        ("list", ("polars.dataframe.frame.DataFrame",), FRAMES),
        ("dict", ("datasets.arrow_dataset.Dataset",), DATASET),
        ("set", ("pandas.DataFrame",), DATASET),
        ("dict", ("__main__.Thing",), OTHER),
        ("list", ("os.system",), OTHER),
        ("collections.OrderedDict", TENSOR, MODEL),
        ("dict", TENSOR, OTHER),
        ("dict", PARAMETER, MODEL),
        ("list", ("transformers.models.bert.tokenization_bert.BertTokenizer",), MODEL),
        ("dict", ("torch.optim.adam.Adam", *TENSOR), OTHER),
        ("dict", ("sklearn.metrics._classification.accuracy_score",), OTHER),
    ],
)
def test_containers(
    type_: str, names: tuple[str, ...] | None, classification: Classification
) -> None:
    """Of a container decides what its pickle refers to; not looked at, it is no plain value."""
    assert classify(ref("x", type_=type_, names=names)) == classification


@pytest.mark.parametrize(
    ("names", "classification"),
    [
        (("__main__.Net", *PARAMETER), MODEL),
        (("__main__.Net", "torch.nn.modules.linear.Linear"), MODEL),
        (("__main__.Net", "flax.nnx.variablelib.Param"), MODEL),
        (("__main__.Net", "equinox.nn._linear.Linear"), MODEL),
        (("__main__.Net", "sklearn.svm._classes.SVC"), MODEL),
        (("__main__.Net", *TENSOR), OTHER),
        (("__main__.Net", "sklearn.utils._bunch.Bunch"), OTHER),
        (("__main__.Data", "pandas.DataFrame"), DATASET),
        (("__main__.Data", "pandas.DataFrame", "sklearn.svm._classes.SVC"), MODEL),
        ((), OTHER),
        (None, OTHER),
    ],
)
def test_class_of_the_users_own(
    names: tuple[str, ...] | None, classification: Classification
) -> None:
    """An object of a class that nobody knows is what the strongest of its parts is."""
    assert classify(ref("x", type_="__main__.Net", names=names)) == classification


@pytest.mark.parametrize(
    ("type_", "names"), [("__main__.Net", (*PARAMETER, "pandas.DataFrame")), ("dict", PARAMETER)]
)
@given(seed=st.randoms())
def test_order_of_names(type_: str, names: tuple[str, ...], seed: Any) -> None:
    """The order in which a pickle refers to things makes no difference."""
    shuffled = seed.sample(names, len(names))

    assert classify(ref("x", type_=type_, names=tuple(shuffled))) == MODEL


# --- size and memory ------------------------------------------------------------------------


@pytest.mark.parametrize(("type_", "names"), [("str", None), ("list", ()), ("dict", ())])
@pytest.mark.parametrize(
    ("size", "classification"),
    [
        (100_000, VALUE),
        (100_001, TEXT),
        (64_000_000, TEXT),
        (64_000_001, OTHER),
    ],
)
def test_large_values(
    type_: str, names: tuple[str, ...] | None, size: int, classification: Classification
) -> None:
    """A value that is too large for a summary becomes JSON, and then just its pickle."""
    assert classify(ref("x", type_=type_, size=size, names=names)) == classification


@pytest.mark.parametrize(
    ("type_", "names", "largest", "classification"),
    [
        ("pandas.DataFrame", None, 250, TABLE),
        ("dict", ("pandas.DataFrame",), 250, FRAMES),
        ("numpy.ndarray", None, 333, ARRAY),
        ("PIL.Image.Image", None, 250, PICTURE),
        ("sklearn.svm._classes.SVC", None, 10**15, MODEL),
        ("metaflow.includefile.IncludedFile", None, 10**15, INCLUDE),
    ],
)
def test_memory(
    type_: str, names: tuple[str, ...] | None, largest: int, classification: Classification
) -> None:
    """What would take more memory than it may is not loaded; what is not loaded takes none."""
    settings = chosen(max_memory=1000)

    assert classify(ref("x", type_=type_, size=largest, names=names), settings) == classification
    larger = classify(ref("x", type_=type_, size=largest + 1, names=names), settings)
    if largest < 1000:
        assert larger == Classification(classification.kind)
    else:
        assert larger == classification


def test_memory_of_values() -> None:
    """JSON of a large value takes much; a value of the summary is small in any case."""
    settings = chosen(max_memory="4MB")

    assert classify(ref("x", type_="str", size=200_000), settings) == TEXT
    assert classify(ref("x", type_="str", size=200_001), settings) == OTHER
    assert classify(ref("x", type_="str", size=9), chosen(max_memory=0)) == VALUE


# --- how far pickles are loaded -------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "names", "size", "classification"),
    [
        ("str", None, 5, VALUE),
        ("NoneType", None, 5, VALUE),
        ("dict", (), 5, VALUE),
        ("dict", (), 100_001, OTHER),
        ("list", ("datetime.datetime",), 5, OTHER),
        ("numpy.float64", None, 5, OTHER),
        ("pandas.DataFrame", None, 5, DATASET),
        ("list", ("pandas.DataFrame",), 5, DATASET),
        ("pathlib.PosixPath", None, 5, DATASET),
        ("metaflow.includefile.IncludedFile", None, 5, INCLUDE),
        ("numpy.ndarray", None, 5, OTHER),
        ("PIL.Image.Image", None, 5, OTHER),
        ("sklearn.svm._classes.SVC", None, 5, MODEL),
    ],
)
def test_never(
    type_: str, names: tuple[str, ...] | None, size: int, classification: Classification
) -> None:
    """Where nothing is to be loaded, kinds stay, and all but spelled out values are pickles."""
    result = classify(ref("x", type_=type_, size=size, names=names), chosen(unpickle="never"))

    assert result == classification


def test_trusted() -> None:
    """A figure of matplotlib is drawn by its own code, for which it takes trust."""
    figure = ref("x", type_="matplotlib.figure.Figure")

    assert classify(figure, chosen(unpickle="safe")) == OTHER
    assert classify(figure, chosen(unpickle="trusted")) == DRAWING
    assert classify(ref("x", type_="pandas.DataFrame"), chosen(unpickle="trusted")) == TABLE


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("pandas.DataFrame", Kind.DATASET),
        ("torch.nn.modules.linear.Linear", Kind.MODEL),
        ("int", Kind.OTHER),
        ("dict", Kind.OTHER),
        ("__main__.Thing", Kind.OTHER),
    ],
)
def test_what_is_no_pickle(type_: str, kind: Kind) -> None:
    """Bytes of another serializer are handed on as they are; their kind is that of the type."""
    foreign = ref("x", type_=type_, encoding="jsonic-v1")

    assert classify(foreign) == Classification(kind, Form.STORED)
    assert not needs_inspection(foreign)


# --- what the user says ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "type_", "names", "classification"),
    [
        ({"mylib.*": "model"}, "mylib.nets.Net", None, MODEL),
        ({"mylib.*": "model"}, "dict", ("mylib.nets.Net",), MODEL),
        ({"mylib.*": "model"}, "__main__.Mine", ("__main__.Mine", "mylib.Net"), MODEL),
        ({"mylib.*": "dataset"}, "list", ("mylib.Table",), DATASET),
        ({"mylib.*": "dataset"}, "list", ("mylib.Table", "pandas.DataFrame"), FRAMES),
        ({"__main__.Mine": "dataset"}, "__main__.Mine", PARAMETER, DATASET),
        ({"sklearn.*": "other"}, "dict", ("sklearn.svm._classes.SVC",), OTHER),
        ({"sklearn.pre*": "other"}, "sklearn.preprocessing._data.StandardScaler", None, OTHER),
        (
            {"numpy.ndarray": "dataset"},
            "numpy.ndarray",
            None,
            Classification(Kind.DATASET, Form.ARRAY, Preview.CHART),
        ),
        (
            {"pandas.*": "other"},
            "pandas.Series",
            None,
            Classification(Kind.OTHER, Form.PARQUET, Preview.TABLE),
        ),
        ({"dict": "other"}, "dict", (), TEXT),
        (
            {"numpy.ndarray": "image"},
            "numpy.ndarray",
            None,
            Classification(Kind.OTHER, Form.ARRAY, Preview.IMAGES),
        ),
        ({"dict": "dataset"}, "dict", ("pandas.DataFrame",), FRAMES),
        ({"__main__.Color": "value"}, "__main__.Color", ("__main__.Color",), VALUE),
        ({"__main__.Color": "value"}, "dict", ("__main__.Color",), VALUE),
        ({"__main__.Color": "value"}, "dict", ("__main__.Color", "__main__.Thing"), OTHER),
    ],
)
def test_kinds_of_the_user(
    kinds: dict[str, str], type_: str, names: tuple[str, ...] | None, classification: Classification
) -> None:
    """What the settings say of a type holds, wherever it occurs; its form stays what it is."""
    assert classify(ref("x", type_=type_, names=names), chosen(kinds=kinds)) == classification


KNOWN = [family.pattern.replace("*", "x") for family in FAMILIES]


@given(
    st.sampled_from([*KNOWN, "__main__.Thing", "mylib.Net"]),
    st.sampled_from(["dataset", "model", "other", "value"]),
    st.dictionaries(st.sampled_from(["*", "*x", "torch.*", "my*"]), st.just("other")),
    st.randoms(),
)
def test_user_kinds_win(type_: str, kind: str, more: dict[str, str], seed: Any) -> None:
    """Whatever the table says, and however patterns are ordered: the name in full holds."""
    kinds = {**more, type_: kind}
    in_any_order = dict(seed.sample(sorted(kinds.items()), len(kinds)))

    assert classify(ref("x", type_=type_, names=()), chosen(kinds=in_any_order)).kind == kind


def test_kind_of_one_flow() -> None:
    """A flow's own word beats that for all flows."""
    settings = {"kinds": {"mylib.Net": "model"}, "flow": {"MyFlow": {"kinds": {"my*": "other"}}}}
    net = ref("x", type_="mylib.Net")

    assert classify(net, chosen(**settings)) == OTHER
    assert classify(net, Settings.model_validate(settings).for_step("Other", "start")) == MODEL


# --- converters of other packages -----------------------------------------------------------

SAFE = Plugin(name="mine", types=("mylib.Table", "mylib.io.*"), kind="dataset", safe=True)
UNSAFE = SAFE.model_copy(update={"safe": False})
CONVERTED = Classification(Kind.DATASET, Form.PLUGIN, plugin="mine")


def with_plugin(plugin: Plugin, **said: Any) -> StepSettings:
    """Return settings where there is a converter of another package."""
    return chosen(**said).model_copy(update={"plugins": (plugin,)})


@pytest.mark.parametrize(
    ("plugin", "said", "classification"),
    [
        (SAFE, {}, CONVERTED),
        (SAFE, {"unpickle": "trusted"}, CONVERTED),
        (SAFE, {"unpickle": "never"}, DATASET),
        (SAFE, {"max_memory": 10}, DATASET),
        (
            SAFE,
            {"kinds": {"mylib.*": "model"}},
            Classification(Kind.MODEL, Form.PLUGIN, plugin="mine"),
        ),
        (UNSAFE, {}, DATASET),
        (UNSAFE, {"unpickle": "trusted"}, CONVERTED),
    ],
)
def test_plugins(plugin: Plugin, said: dict[str, Any], classification: Classification) -> None:
    """A converter gets its types if it may run; their kind is what it says, run or not."""
    assert classify(ref("x", type_="mylib.io.Blob"), with_plugin(plugin, **said)) == classification


def test_plugin_for_a_known_type() -> None:
    """A converter goes before the table; one that may not run leaves the form as it was."""
    frames = SAFE.model_copy(update={"types": ("pandas.DataFrame",), "kind": "other"})
    unsafe = frames.model_copy(update={"safe": False})
    frame = ref("x", type_="pandas.DataFrame")

    assert classify(frame, with_plugin(frames)) == Classification(
        Kind.OTHER, Form.PLUGIN, plugin="mine"
    )
    assert classify(frame, with_plugin(unsafe)) == Classification(
        Kind.OTHER, Form.PARQUET, Preview.TABLE
    )


def test_container_of_what_a_plugin_converts() -> None:
    """The kind of a converter's types counts in containers; it converts what it asked for only."""
    held = ref("x", type_="dict", names=("mylib.Table",))

    assert classify(held, with_plugin(SAFE)) == DATASET


# --- looking --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "wanted"),
    [
        ("dict", True),
        ("list", True),
        ("collections.Counter", True),
        ("__main__.Net", True),
        ("functools.partial", True),
        ("int", False),
        ("bytes", False),
        ("pandas.DataFrame", False),
        ("numpy.ndarray", False),
        ("torch.Tensor", False),
        ("sklearn.svm._classes.SVC", False),
    ],
)
def test_wants_a_look(type_: str, wanted: bool) -> None:  # noqa: FBT001 - of a table
    """A pickle is looked into if its type does not tell what it is, and only once."""
    assert needs_inspection(ref("x", type_=type_)) == wanted
    assert not needs_inspection(ref("x", type_=type_, names=()))


def test_giants() -> None:
    """How much of it is read is for those to decide who read."""
    assert needs_inspection(ref("x", type_="dict", size=64_000_000_000))


@pytest.mark.parametrize(
    ("type_", "name", "media", "classification"),
    [
        ("bytes", "plot", "png", SHOWN_FILE),
        ("bytes", "paper", "pdf", Classification(Kind.OTHER, Form.MEDIA)),
        ("bytes", "plain", None, OTHER),
        ("str", "page", "html", SHOWN_FILE),
        ("str", "notes_md", None, SHOWN_FILE),
        ("str", "README", None, SHOWN_FILE),
        ("str", "amd", None, VALUE),
        ("dict", "notes_md", None, OTHER),
    ],
)
def test_files(type_: str, name: str, media: str | None, classification: Classification) -> None:
    """Bytes and texts that are whole files are these files."""
    assert classify(ref(name, type_=type_, media=media)) == classification


def test_files_that_the_settings_decide_on() -> None:
    """A kind of the user's holds for files, too; without unpickling, they stay pickles."""
    page = ref("page", type_="str", media="html")

    assert classify(page, chosen(kinds={"str": "value"})) == VALUE
    as_dataset = Classification(Kind.DATASET, Form.MEDIA, Preview.MEDIA)
    assert classify(page, chosen(kinds={"str": "dataset"})) == as_dataset
    assert classify(page, chosen(unpickle="never")) == OTHER


@pytest.mark.parametrize(
    ("type_", "names", "classification"),
    [
        ("list", ("PIL.Image.Image",), PICTURES),
        ("dict", ("PIL.PngImagePlugin.PngImageFile",), PICTURES),
        ("__main__.Album", ("PIL.Image.Image",), OTHER),
        ("list", ("PIL.Image.Image", "pandas.DataFrame"), FRAMES),
    ],
)
def test_galleries(type_: str, names: tuple[str, ...], classification: Classification) -> None:
    """Lists and dicts of images are galleries, unless they hold tables or models."""
    assert classify(ref("x", type_=type_, names=names)) == classification


@pytest.mark.parametrize(
    ("type_", "size", "is_wanted"),
    [("bytes", 20, True), ("bytes", 19, False), ("str", 60, True), ("str", 59, False)],
)
def test_starts_that_are_read(type_: str, size: int, is_wanted: bool) -> None:  # noqa: FBT001
    """The first bytes are read where they may be those of a file, and once."""
    assert needs_look_at_start(ref("x", type_=type_, size=size)) is is_wanted
    assert not needs_look_at_start(ref("x", type_=type_, size=size, media="png"))
    assert not needs_look_at_start(ref("x", type_="int", size=size))
