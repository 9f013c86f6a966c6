"""Values of odd shapes, synced to the stand-in: each is there as what it is, none is lost."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable

import pytest

from tests.integration.results import Synced

SUMMARY = {
    "entropy": str(2**127 + 12345),
    "ids": [str(2**63 + 1), 2],
    "huge": str(10**400),
    "errors": {},
    "mixed": {"a": {}, "1_2": "x", "1": "y"},
    "media": {"_type_": "table-file", "path": "nowhere"},
    "day": "2026-02-28",
    "moment": "2026-01-01T00:00:00+01:00",
    "price": "1.10",
    "uuid": "00000000-0000-0000-0000-000000000005",
    "color": "Color(1)",
    "fields": {"rate": 0.1, "steps": [1, 2]},
    "pair": [1, 2],
    "text": "s",
    "config": {"a": {"e": {}}, "l": [1]},
    "numbers": "range(0, 3)",
    "array": [0, 1, 2],
    "scores": {"test": [0.5, 1.0], "mean": 0.75},
    "weights": {"acc": 0.5, "w": "array of 50 by 50 float64"},
    "kinds": {"linear": "sklearn.linear_model._base.LinearRegression", "number": "int"},
    "kind": "sklearn.linear_model._base.LinearRegression",
    "out_dir": "models/run1",
    "pure": "/a/b",
}
ARTIFACTS = {
    "array": ["array.npy"],
    "cells": ["cells.parquet", "cells.pkl"],
    "color": ["color.pkl"],
    "deep": ["deep.pkl"],
    "fields": ["fields.pkl"],
    "frame": ["frame.parquet"],
    "itself": ["itself.pkl"],
    "kind": ["kind.pkl"],
    "kinds": ["kinds.pkl"],
    "long": ["long.json"],
    "pair": ["pair.pkl"],
    "scores": ["scores.pkl"],
    "weights": ["weights.pkl"],
}


@pytest.fixture
def odd(synced: Callable[..., Synced]) -> Synced:
    """Return the flow run, synced."""
    return synced("odd_shapes_flow")


def test_summary(odd: Synced) -> None:
    """Values are as a person would read them, and exact; dicts keep their empty parts."""
    summary = odd.run("start").summary

    assert {name: summary[name] for name in SUMMARY} == SUMMARY
    assert not {"deep", "itself"} & summary.keys()


def test_statistics_of_whole_numbers(odd: Synced) -> None:
    """Over tasks, the least, the greatest and the mean of whole numbers are exact."""
    summary = odd.run("work").summary

    assert summary["hash"] == {
        "min": str(2**64 - 3),
        "max": str(2**64 - 1),
        "mean": str(2**64 - 2),
    }
    assert summary["found"] == [[1], {}, {}]  # an artifact here and a value there


def test_config(odd: Synced) -> None:
    """Parameters are exact, empty dicts are there, and too long a text says where it is."""
    for step in ("start", "work", "end"):
        config = odd.run(step).config
        assert config["seed"] == str(2**127 + 12345)
        assert config["nested"] == {"a": {}, "b": 1, "c": {"d": {}}}
        assert config["empty"] == {}
        assert config["setup"] == {"a": {"e": {}}, "l": [1]}
        assert config["long"] == "6,000,002 characters: see the artifact long"
        assert odd.run(step).summary["mfwb"]["complete"]


def test_artifacts(odd: Synced) -> None:
    """What can't be a value is a file; a class is no model; an altered table has its pickle."""
    logged = {item.name.partition(":")[0]: item for item in odd.run("start").logged}
    pages = {name: item for name, item in logged.items() if name.startswith("page")}
    others = {name: item for name, item in logged.items() if name in ARTIFACTS}

    assert {name: sorted(item.manifest) for name, item in others.items()} == ARTIFACTS
    assert {item.type for item in logged.values()} <= {"other", "dataset", "run_table"}
    assert len(pages) == 4  # as many as it takes for the others to fit
    assert all(list(item.manifest) == [f"{name}.json"] for name, item in pages.items())
    summary = odd.run("start").summary
    assert sum(name.startswith("page") for name in summary) == 81 - len(pages)
    assert json.loads(logged["long"].files["long.json"]) == "p" * 6_000_000
    assert logged["cells"].metadata["metaflow"]["altered"] == {
        "cells.parquet": "column 'a' has cells of the type dict that change when read back"
    }
    assert pickle.loads(logged["cells"].files["cells.pkl"]).to_dict("list") == {
        "a": [{"a": 1}, {"b": "x"}]
    }


def test_a_table_whose_name_is_like_a_drive(odd: Synced) -> None:
    """W&B refuses the path `t:b.table.json`, so the table has another key; the file is there."""
    [table] = [value for key, value in odd.run("start").summary.items() if key.startswith("t_b-")]
    [artifact] = [item for item in odd.run("start").logged if item.name.startswith("t_b-")]

    assert table["_type"] == "table-file"
    assert table["nrows"] == 2
    assert [name.rpartition(".")[2] for name in artifact.files] == ["parquet"]


def test_what_is_cut_is_counted(odd: Synced) -> None:
    """Of a message that is longer than mfwb reads the beginning is there, and the rest a loss."""
    [failure] = odd.run("end").config["metaflow"]["failures"]

    assert failure["message"].startswith("z" * 1_000)
    items = [loss["item"] for loss in odd.losses]
    task = f"{odd.pathspec}/end/6"
    assert items == [f"an exception of {task}", f"{task}/log"]
