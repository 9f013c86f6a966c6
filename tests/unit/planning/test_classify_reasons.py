"""Reasons of a classification: they agree with `classify`."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mfwb.config import Plugin, Settings, StepSettings
from mfwb.planning.classify import classify
from mfwb.planning.classify_reasons import DecidingType, KindEvidence, explain_classification
from mfwb.planning.plan import Form
from mfwb.planning.type_table import Kind
from tests.support.flow_runs import ref

TENSOR = ("collections.OrderedDict", "torch._utils._rebuild_tensor_v2")
SAFE = Plugin(name="tables", types=("own.Table", "own.io.*"), kind="dataset", safe=True)
UNSAFE = Plugin(name="any", types=("pandas.DataFrame", "own.Thing"), kind="dataset")


def chosen(*plugins: Plugin, **said: Any) -> StepSettings:
    """Return what holds for a step of a flow where this was said."""
    return Settings.model_validate({**said, "plugins": plugins}).for_step("MyFlow", "start")


# --- what decided ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "names", "deciding_type"),
    [
        ("int", None, DecidingType(KindEvidence.TABLE, "int", "int")),
        ("dict", (), DecidingType(KindEvidence.TABLE, "dict", "dict")),
        (
            "sklearn.svm._classes.SVC",
            None,
            DecidingType(KindEvidence.TABLE, "sklearn.svm._classes.SVC", "sklearn.*"),
        ),
        (
            "__main__.Net",
            ("__main__.Net", "torch._utils._rebuild_parameter", "torch.nn.modules.linear.Linear"),
            DecidingType(
                KindEvidence.TABLE, "torch.nn.modules.linear.Linear", "torch.nn.*", inside=True
            ),
        ),
        (
            "dict",
            ("pandas.DataFrame", "sklearn.svm._classes.SVC"),
            DecidingType(KindEvidence.TABLE, "sklearn.svm._classes.SVC", "sklearn.*", inside=True),
        ),
        (
            "dict",
            ("builtins.slice", "pandas.DataFrame"),
            DecidingType(KindEvidence.TABLE, "pandas.DataFrame", "pandas.DataFrame", inside=True),
        ),
        (
            "collections.OrderedDict",
            TENSOR,
            DecidingType(KindEvidence.TENSORS, "collections.OrderedDict"),
        ),
        (
            "list",
            ("numpy._core.multiarray._reconstruct", "numpy.dtype", "numpy.ndarray"),
            DecidingType(KindEvidence.NOTHING, "numpy.ndarray", inside=True),
        ),
        ("__main__.Thing", (), DecidingType(KindEvidence.NOTHING, inside=True)),
        ("__main__.Thing", None, DecidingType(KindEvidence.NOTHING, inside=True)),
    ],
)
def test_what_decided(
    type_: str, names: tuple[str, ...] | None, deciding_type: DecidingType
) -> None:
    """The table's pattern, or the name in the pickle that people know best, or nothing."""
    assert (
        explain_classification(ref("x", type_=type_, names=names), chosen()).deciding_type
        == deciding_type
    )


def test_the_users_word_comes_first() -> None:
    """A pattern of [kinds] decides, on the type or on what it holds."""
    settings = chosen(SAFE, kinds={"own.*": "model", "lib.*": "dataset"})

    own = explain_classification(ref("x", type_="own.Table"), settings)
    assert own.deciding_type == DecidingType(KindEvidence.KINDS, "own.Table", "own.*")
    assert own.classification.kind is Kind.MODEL

    holds = explain_classification(
        ref("x", type_="dict", names=("lib.Frame", "numpy.dtype")), settings
    )
    assert holds.deciding_type == DecidingType(
        KindEvidence.KINDS, "lib.Frame", "lib.*", inside=True
    )
    assert holds.classification.kind is Kind.DATASET


def test_converters_come_second() -> None:
    """A converter decides on its types, and on what holds them; the pattern that fits is told."""
    settings = chosen(SAFE)

    alone = explain_classification(ref("x", type_="own.io.File"), settings)
    held = explain_classification(ref("x", type_="list", names=("own.Table",)), settings)

    assert alone.deciding_type == DecidingType(
        KindEvidence.CONVERTER, "own.io.File", "own.io.*", converter="tables"
    )
    assert held.deciding_type == DecidingType(
        KindEvidence.CONVERTER, "own.Table", "own.Table", inside=True, converter="tables"
    )


# --- what is not done -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("artifact", "settings", "words"),
    [
        (ref("x", type_="str", size=100_001), {}, "100,001 bytes, and a summary takes no"),
        (ref("x", encoding="json-v1"), {}, "it is not a pickle, but json-v1"),
        (
            ref("x", type_="list", names=("datetime.date",)),
            {"unpickle": "never"},
            "--unpickle never",
        ),
        (
            ref("x", type_="own.Color", size=100_001),
            {"kinds": {"own.Color": "value"}},
            "100,001 bytes",
        ),
    ],
)
def test_no_value(artifact: Any, settings: dict[str, Any], words: str) -> None:
    """A value that is not in the summary says why."""
    reason = explain_classification(artifact, chosen(**settings))

    assert reason.classification.kind is Kind.OTHER
    assert words in reason.no_value


@pytest.mark.parametrize(
    ("artifact", "settings", "words"),
    [
        (ref("x", type_="pandas.DataFrame"), {"unpickle": "never"}, "--unpickle never"),
        (ref("x", type_="matplotlib.figure.Figure"), {}, "needs --unpickle trusted"),
        (
            ref("x", type_="pandas.DataFrame", size=251),
            {"max_memory": 1000},
            "1,004 bytes of memory, and --max-memory is 1,000",
        ),
        (ref("x", type_="str", size=64_000_001), {}, "JSON is made of no more than 64,000,000"),
        (ref("x", type_="pandas.DataFrame", encoding="arrow"), {}, "it is not a pickle, but arrow"),
        (ref("x", type_="pandas.DataFrame", encoding=""), {}, "of an unknown encoding"),
    ],
)
def test_not_loaded(artifact: Any, settings: dict[str, Any], words: str) -> None:
    """What is not loaded, although more would come of it, says why."""
    reason = explain_classification(artifact, chosen(**settings))

    assert reason.classification.form in {Form.PICKLE, Form.STORED}
    assert words in reason.not_loaded


def test_a_converter_that_is_not_trusted() -> None:
    """It is told that a converter does not run; what the table makes of the type is made."""
    artifact = ref("x", type_="pandas.DataFrame")
    reason = explain_classification(artifact, chosen(UNSAFE))

    assert reason.not_converted == "the converter any may run code, which needs --unpickle trusted"
    assert (reason.classification.form, reason.not_loaded) == (Form.PARQUET, "")
    trusted = explain_classification(artifact, chosen(UNSAFE, unpickle="trusted"))
    assert (trusted.classification.form, trusted.not_converted) == (Form.PLUGIN, "")


@pytest.mark.parametrize(
    ("artifact", "words"),
    [
        (ref("x", type_="__main__.A"), "its pickle can't be inspected"),
        (ref("x", type_="dict"), "its pickle can't be inspected"),
        (ref("x", type_="__main__.A", encoding="own"), "it is not a pickle, but own"),
        (ref("x", type_="__main__.A", names=("__main__.A",)), ""),
    ],
)
def test_unseen(artifact: Any, words: str) -> None:
    """Where nobody looked inside, nothing is said of what is there."""
    assert explain_classification(artifact, chosen()).unseen == words


# --- it is what `classify` says -------------------------------------------------------------

TYPES: list[tuple[str, tuple[str, ...] | None]] = [
    ("int", None),
    ("str", None),
    ("list", ()),
    ("list", ("datetime.date",)),
    ("dict", None),
    ("dict", ("pandas.DataFrame", "__main__.X")),
    ("dict", ("own.Thing",)),
    ("tuple", ("sklearn.svm._classes.SVC",)),
    ("collections.OrderedDict", TENSOR),
    ("pandas.DataFrame", None),
    ("numpy.ndarray", None),
    ("PIL.Image.Image", None),
    ("matplotlib.figure.Figure", None),
    ("pathlib.PosixPath", None),
    ("metaflow.includefile.IncludedFile", None),
    ("sklearn.svm._classes.SVC", None),
    ("own.Table", ("own.Table",)),
    ("own.Thing", ("own.Thing",)),
    ("__main__.Thing", ("__main__.Thing", "pandas.DataFrame")),
    ("", None),
]
WORDS: list[dict[str, Any]] = [
    {},
    {"unpickle": "never"},
    {"unpickle": "trusted"},
    {"max_memory": 100},
    {"kinds": {"own.*": "value"}},
    {"kinds": {"pandas.*": "model"}, "max_memory": 10**12},
]


@pytest.mark.parametrize(("type_", "names"), TYPES)
@pytest.mark.parametrize("words", WORDS, ids=str)
def test_every_difference_has_its_reason(
    type_: str, names: tuple[str, ...] | None, words: dict[str, Any]
) -> None:
    """What becomes of it is what `classify` says; where that is less than could be, it says why."""
    generous = {"kinds": words.get("kinds", {}), "unpickle": "trusted", "max_memory": 10**15}
    for size, encoding, plugins in product(
        (50, 100_001, 64_000_001), ("pickle-v4", "own-v1"), ((), (SAFE, UNSAFE))
    ):
        artifact = ref("x", type_=type_, names=names, size=size, encoding=encoding)
        reason = explain_classification(artifact, chosen(*plugins, **words))

        assert reason.classification == classify(artifact, chosen(*plugins, **words))
        best = classify(
            replace(artifact, size=50, encoding="pickle-v4"), chosen(*plugins, **generous)
        )
        shown = any((reason.no_value, reason.not_loaded, reason.not_converted))
        if encoding == "pickle-v4":
            assert shown == (reason.classification != best), (reason, best)
        else:
            assert reason.not_loaded.startswith("it is not a pickle")


@pytest.mark.parametrize(
    ("value", "ground"),
    [(pd.DataFrame({"a": [1]}), "pandas.DataFrame"), (LogisticRegression(), "sklearn.*")],
)
def test_types_as_metaflow_records_them(value: Any, ground: str) -> None:
    """The names of real types fit the patterns that are told."""
    recorded = str(type(value)).removeprefix("<class '").removesuffix("'>")
    deciding_type = explain_classification(ref("x", type_=recorded), chosen()).deciding_type

    assert deciding_type.evidence is KindEvidence.TABLE
    assert deciding_type.pattern in {ground, recorded}
