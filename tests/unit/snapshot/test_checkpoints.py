"""References to checkpoints: which dicts are taken for one, and which stay plain values."""

from __future__ import annotations

from typing import Any

import pytest

from mfwb.snapshot.checkpoints import parse_reference, parse_references, record_key, series_name

CHECKPOINT: dict[str, Any] = {
    "type": "checkpoint",
    "key": "mf.checkpoints/checkpoints/artifacts/F/train/5c0/1de/aa.1.epochs.2",
    "url": "/x/.metaflow/mf.checkpoints/checkpoints/artifacts/F/train/5c0/1de/aa.1.epochs.2",
    "pathspec": "F/7/train/2",
    "attempt": 1,
    "created_on": "2026-01-02T03:04:05",
    "storage_format": "files",
    "name": "epochs",
    "version_id": 2,
    "size": 10,
    "metadata": {"loss": 0.5},
}
MODEL: dict[str, Any] = {
    "type": "model",
    "key": "mf.models/models/artifacts/best_0a1b",
    "url": "",
    "pathspec": "F/7/train/2",
    "attempt": 0,
    "created_on": "2026-01-02T03:04:05",
    "storage_format": "tar",
    "model_uuid": "best_0a1b",
}


def test_a_checkpoint_and_a_model() -> None:
    """All recorded facts are taken; what is missing has a default."""
    checkpoint, model = parse_reference(CHECKPOINT, "F"), parse_reference(MODEL, "F")

    assert checkpoint is not None
    assert (checkpoint.name, checkpoint.version, checkpoint.size) == ("epochs", 2, 10)
    assert checkpoint.metadata == {"loss": 0.5}
    assert model is not None
    assert (model.name, model.size, model.metadata) == ("best", None, {})
    assert record_key(model) == "mf.models/models/artifact_metadata/best_0a1b.metadata"


@pytest.mark.parametrize(
    "key",
    [
        "/mf.checkpoints/checkpoints/artifacts/F/train/5c0/1de/aa.1.epochs.2",
        "mf.checkpoints/checkpoints/artifacts/../F/train/5c0/1de/aa.1.epochs.2",
        "mf.checkpoints/checkpoints/artifacts/F/train/5c0/1de/..",
        "mf.checkpoints/checkpoints/artifacts/F/train//1de/aa.1.epochs.2",
        "mf.checkpoints/checkpoints/artifacts/Other/train/5c0/1de/aa.1.epochs.2",
        "mf.checkpoints/checkpoints/metadata/F/train/5c0/1de/aa.1.epochs.2",
        "mf.checkpoints/checkpoints/artifacts/F",
        "checkpoints/artifacts/F/train/5c0/1de/aa.1.epochs.2",
        "F/data/ab/abcdef",
        "mf.checkpoints/checkpoints/artifacts/F/train/5c0/1de/a\\b",
        "mf.checkpoints/checkpoints/artifacts/F/train/5c0/1de/a\x00b",
        f"mf.checkpoints/checkpoints/artifacts/F/train/5c0/1de/{'a' * 1000}",
    ],
)
def test_keys_that_lead_elsewhere(key: str) -> None:
    """Only a plain path in the package's folder for the own flow is a reference."""
    assert parse_reference({**CHECKPOINT, "key": key}, "F") is None


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "data"},
        {"type": ["model"]},
        {"pathspec": "Other/7/train/2"},
        {"pathspec": "F/7"},
        {"attempt": -1},
        {"attempt": "1"},
        {"created_on": None},
        {"storage_format": "zip"},
        {"name": 5},
        {"name": "n" * 1000},
    ],
    ids=str,
)
def test_dicts_that_are_none(changed: dict[str, Any]) -> None:
    """A dict that only looks like one is a value like any other."""
    assert parse_reference({**CHECKPOINT, **changed}, "F") is None


@pytest.mark.parametrize(
    "changed",
    [{"key": "mf.models/models/artifacts/other"}, {"key": "models/artifacts/best_0a1b"}],
    ids=str,
)
def test_models_that_are_none(changed: dict[str, Any]) -> None:
    """The key of a model ends in its id."""
    assert parse_reference({**MODEL, **changed}, "F") is None
    assert parse_reference(MODEL, "Other") is None


def test_lists() -> None:
    """What is no reference is left out."""
    assert len(parse_references([CHECKPOINT, None, {}, MODEL], "F")) == 2
    assert parse_references("x", "F") == ()


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        (CHECKPOINT, "train-epochs"),
        ({**CHECKPOINT, "name": "mfchckpt"}, "train-checkpoint"),
        (MODEL, "train-best"),
        (
            {**MODEL, "model_uuid": "F_train_1", "key": "mf.models/models/artifacts/F_train_1"},
            "train-model",
        ),
    ],
    ids=["named", "unnamed", "labelled", "without a label"],
)
def test_names_of_series(facts: dict[str, Any], name: str) -> None:
    """The package's default names say nothing."""
    reference = parse_reference(facts, "F")

    assert reference is not None
    assert series_name(reference) == name
