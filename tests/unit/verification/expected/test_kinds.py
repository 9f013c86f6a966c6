"""Where artifacts go, by the tables of docs/mapping.md."""

from __future__ import annotations

from typing import Any

import pytest

from mfwb.config import StepSettings
from mfwb.verification.expected.facts import HeldArtifact
from mfwb.verification.expected.kinds import KINDS, find_form
from mfwb.verification.expected.value_reader import PickledValue


def _held(kind: str, size: int = 100, encoding: str = "pickle-v4") -> HeldArtifact:
    return HeldArtifact("x", "0" * 40, size, kind, encoding)


def _value(*names: str, json_value: Any = None, size: int | None = 1) -> PickledValue:
    return PickledValue("d", frozenset(names), json_value=json_value, size=size)


@pytest.mark.parametrize(
    ("kind", "value", "kinds", "shape"),
    [
        ("int", _value(), (), "value"),
        ("dict", _value("datetime.date"), (), "value"),
        ("dict", _value("sklearn.linear_model._base.Ridge"), ("model",), "pickle"),
        ("dict", _value("pandas.DataFrame"), ("dataset",), "tables"),
        ("pandas.DataFrame", _value("pandas.DataFrame"), ("dataset",), "parquet"),
        ("numpy.ndarray", _value("numpy.ndarray"), ("other",), "npy"),
        ("sklearn.pipeline.Pipeline", _value(), ("model",), "pickle"),
        ("sklearn.metrics._scorer._Scorer", _value(), ("other",), "pickle"),
        ("torch.nn.modules.loss.MSELoss", _value(), ("model", "other"), "pickle"),
        ("pathlib.PosixPath", _value(json_value="a/b"), (), "value"),
        ("pathlib.PosixPath", _value(json_value="/a/b"), ("dataset",), "path"),
        ("__main__.Thing", _value("__main__.Thing"), ("other",), "pickle"),
        ("__main__.Thing", PickledValue(), KINDS, "pickle"),
        ("list", PickledValue(), KINDS, "container"),
    ],
)
def test_by_type(kind: str, value: PickledValue, kinds: tuple[str, ...], shape: str) -> None:
    """Its type decides, or the names in its pickle."""
    result = find_form(_held(kind), value, StepSettings())

    assert (result.kinds, result.shape) == (kinds, shape)


def test_large_values_are_files() -> None:
    """Over 100 KB they are JSON."""
    result = find_form(_held("str", 200_000), _value(), StepSettings())

    assert (result.kinds, result.shape) == (("other",), "json")


def test_what_was_not_read_is_open() -> None:
    """A process that ended says nothing of the pickle."""
    result = find_form(_held("int"), PickledValue(reason="ended"), StepSettings())

    assert result.shown is None


def test_settings_come_first() -> None:
    """Kinds of the user's own types."""
    settings = StepSettings(kinds=(("__main__.Thing", "model"),))

    assert find_form(_held("__main__.Thing"), _value("__main__.Thing"), settings).kinds == (
        "model",
    )
    assert find_form(_held("X", encoding="jsonic"), _value(), StepSettings()).shape == "stored"
