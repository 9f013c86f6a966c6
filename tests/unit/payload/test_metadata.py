"""Metadata and descriptions of W&B artifacts."""

from __future__ import annotations

import ast
import datetime as dt
import json
import pathlib
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from mfwb.payload import PayloadBuilder
from mfwb.payload.metadata import BuiltArtifact, build_description
from mfwb.payload.model import ArtifactFiles
from mfwb.planning import Content, Form, OutputArtifact
from mfwb.ports import ReadyArtifact, ReadyFile
from tests.unit.payload.memory import (
    TASK,
    MemoryContents,
    output,
    planned_file,
    planned_run,
)

FRAME = pd.DataFrame({"a": [1, 2]})


@pytest.fixture
def contents() -> MemoryContents:
    """Return contents in which the task printed nothing."""
    result = MemoryContents()
    result.logs[TASK] = []
    return result


def made_of(
    builder: PayloadBuilder, contents: MemoryContents, form: Form, *values: Any
) -> ReadyArtifact:
    """Return the W&B artifact that values become, one of a task each."""
    files = [
        planned_file(contents.add(value), form, f"{location}/x" if len(values) > 1 else "x")
        for location, value in enumerate(values)
    ]
    (artifact,) = builder.prepare(planned_run(outputs=[output(*files)]), contents).artifacts
    return artifact


def code_of(description: str) -> list[str]:
    """Return the lines of Python in a description."""
    return [line[4:] for line in description.splitlines() if line.startswith("    ")]


def loaded_by(artifact: ReadyArtifact) -> Any:
    """Run the lines that a description gives, and return what they make of the first file."""
    lines = code_of(artifact.description)
    assert len(lines) == 2
    files = {
        file.path: SimpleNamespace(download=lambda path=file.local: str(path))
        for file in artifact.files
    }
    around: dict[str, Any] = {
        "artifact": SimpleNamespace(get_entry=files.__getitem__),
        **{item.__name__: item for item in (json, pathlib, pickle)},
        "numpy": np,
        "pandas": pd,
    }
    exec("\n".join(lines), around)  # noqa: S102 - they are there to be run
    return around["x"]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (Form.PARQUET, FRAME),
        (Form.FRAMES, {"k": FRAME}),
        (Form.ARRAY, np.arange(3)),
        (Form.JSON, {"a": [1]}),
        (Form.PICKLE, {"a": (1,)}),
        (Form.PARQUET, {"no": "table"}),
        (Form.STORED, "x"),
    ],
)
def test_code_loads_it(
    form: Form, value: Any, builder: PayloadBuilder, contents: MemoryContents
) -> None:
    """The two lines work, and give what Metaflow had."""
    artifact = made_of(builder, contents, form, value)

    loaded = loaded_by(artifact)

    if form is Form.STORED:
        assert loaded == pickle.dumps(value, protocol=4)
    elif isinstance(loaded, (pd.DataFrame, np.ndarray)):
        assert loaded.tolist() if isinstance(loaded, np.ndarray) else loaded.equals(FRAME)
    else:
        assert loaded == value


@pytest.mark.parametrize(
    ("value", "modules", "said"),
    [
        ({"a": 1}, [], "Loading it needs only Python."),
        (dt.date(2026, 1, 1), [], "Loading it needs only Python."),
        (LinearRegression(), ["sklearn"], "Loading it runs code of: `sklearn`."),
    ],
)
def test_what_a_pickle_needs(
    value: Any, modules: list[str], said: str, builder: PayloadBuilder, contents: MemoryContents
) -> None:
    """Pickles say which packages they need."""
    artifact = made_of(builder, contents, Form.PICKLE, value)

    assert artifact.metadata == {"modules": modules}
    assert f"The very pickle that Metaflow stored. {said}\n" in artifact.description


def test_damaged_pickle(builder: PayloadBuilder, contents: MemoryContents) -> None:
    """Of a damaged pickle nobody knows what it needs."""
    file = planned_file(contents.add_bytes(b"damaged"), Form.PICKLE)

    (artifact,) = builder.prepare(planned_run(outputs=[output(file)]), contents).artifacts

    assert artifact.metadata == {}
    assert "what it needs is not known" in artifact.description


def test_no_pickle_needs_nothing(builder: PayloadBuilder, contents: MemoryContents) -> None:
    """Only pickles run code."""
    artifact = made_of(builder, contents, Form.PARQUET, FRAME)

    assert artifact.metadata == {}
    assert artifact.description.startswith(f"Metaflow's artifact `x` of `{TASK}`.\n")


def test_why_it_stayed_a_pickle(builder: PayloadBuilder, contents: MemoryContents) -> None:
    """The reason is in metadata and description; if not all are pickles, by file."""
    item = made_of(builder, contents, Form.ARRAY, "no array")
    reason = "TypeError: a str is not a plain array"
    assert item.metadata == {"modules": [], "kept_as_pickle": reason}
    assert f"It stayed a pickle: `{reason}`.\n" in item.description

    alike = made_of(builder, contents, Form.ARRAY, "no array", "neither")
    assert alike.metadata["kept_as_pickle"] == reason

    some = made_of(builder, contents, Form.ARRAY, np.ones(2), "no array")
    assert some.metadata["kept_as_pickle"] == {"1/x.pkl": reason}
    assert "`x` of 2 tasks, a file or folder of each." in some.description


def test_path_and_uri(builder: PayloadBuilder, contents: MemoryContents, tmp_path: Path) -> None:
    """What a path points at is a file, or an address."""
    (tmp_path / "a.csv").write_text("a")
    contents.own_folder = tmp_path

    here = made_of(builder, contents, Form.PATH, tmp_path / "a.csv")
    existing = made_of(builder, contents, Form.PATH, Path("s3://bucket/a.csv"))

    assert loaded_by(here) == b"a"
    assert "entry.ref_target()" in existing.description


def test_names_that_are_no_variables() -> None:
    """The lines are Python, whatever an artifact is called."""
    for name in ("x", "class", "größe", "a-b", "1"):
        file = ReadyFile(f"{name}'\".json", 1)
        planned = planned_file(Content(TASK, name, "sha", 1), Form.JSON)
        built = BuiltArtifact(planned, ArtifactFiles(Form.JSON, [file]))
        lines = code_of(build_description([built], {}, OutputArtifact("x", "other", (), {}, ())))
        assert len(lines) == 2
        ast.parse("\n".join(lines))
