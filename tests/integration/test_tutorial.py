"""examples/tutorial_flow.py is W&B's artifact tutorial: what W&B's own Api reads back of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.results import metadata_of
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer

_EXAMPLES = Path(__file__).parents[2] / "examples"
_READ = """
import json, wandb
api = wandb.Api()
names = {run.id: run.name for run in api.runs("acme/tutorial")}
versions = [
    version
    for kind in api.artifact_types("acme/tutorial")
    for collection in kind.collections()
    for version in collection.artifacts()
    if kind.name != "run_table"
]
document = {
    "job_types": {run.name: run.job_type for run in api.runs("acme/tutorial")},
    "logged": {v.name: names[v.logged_by().id] for v in versions},
    "used": {v.name: sorted(names[run.id] for run in v.used_by()) for v in versions},
    "inputs": {
        run.name: sorted(v.name for v in run.used_artifacts()) for run in api.runs("acme/tutorial")
    },
    "types": {v.name: v.type for v in versions},
    "files": {v.name: sorted(v.manifest.entries) for v in versions},
    "metadata": {v.name: v.metadata for v in versions},
    "aliases": {v.name: sorted(v.aliases) for v in versions},
    "latest": api.artifact("acme/tutorial/model:latest").source_name,
    "good": api.artifact("acme/tutorial/model:good").source_name,
}
print(json.dumps(document))
"""


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[str, str], dict[str, Any]]:
    """Return two flow runs, of which only the first trains well, and what W&B's Api says."""
    root = tmp_path_factory.mktemp("tutorial")
    with WandbServer() as server:
        own = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        sandbox = Sandbox(root, own)
        ids = []
        for rate in ("0.1", "1000"):
            done = sandbox.script(
                _EXAMPLES / "tutorial_flow.py", "--quiet", "run", "--learning_rate", rate
            )
            assert done.code == 0, done.err
            ids.append((root / ".metaflow" / "TutorialFlow" / "latest_run").read_text())
        for run_id in ids:  # one after the other: else their versions are numbered in any order
            done = sandbox.mfwb(
                *("sync", f"TutorialFlow/{run_id}", "--entity", "acme", "--project", "tutorial"),
                *("--config", str(_EXAMPLES / "mfwb.toml"), "--metadata", metadata_of(root)),
            )
            assert done.code == 0, done.err
        read = sandbox.python(_READ)
        assert read.code == 0, read.err
        first, second = ids
        return (first, second), json.loads(read.out.splitlines()[-1])


def test_each_step_has_the_job_type_of_the_tutorial(
    tutorial: tuple[tuple[str, str], dict[str, Any]],
) -> None:
    """Metaflow wants `start` and `end`; the settings give them the tutorial's job types."""
    ids, document = tutorial
    assert document["job_types"] == {
        f"TutorialFlow/{run_id}/{step}": job_type
        for run_id in ids
        for step, job_type in (
            ("start", "load-data"),
            ("preprocess", "preprocess"),
            ("initialize", "initialize"),
            ("train", "train"),
            ("end", "evaluate"),
        )
    }


def test_the_graph_is_that_of_the_tutorial(
    tutorial: tuple[tuple[str, str], dict[str, Any]],
) -> None:
    """Edge by edge. Both flow runs have the same data, and so share its versions."""
    (first, second), document = tutorial
    one, two = f"TutorialFlow/{first}", f"TutorialFlow/{second}"
    assert document["logged"] == {
        "raw:v0": f"{one}/start",
        "preprocessed:v0": f"{one}/preprocess",
        "initial_model:v0": f"{one}/initialize",
        "model:v0": f"{one}/train",
        "hardest:v0": f"{one}/end",
        "initial_model:v1": f"{two}/initialize",
        "model:v1": f"{two}/train",
        "hardest:v1": f"{two}/end",
    }
    used = {
        f"{one}/start": [],
        f"{one}/preprocess": ["raw:v0"],
        f"{one}/initialize": [],
        f"{one}/train": ["initial_model:v0", "preprocessed:v0"],
        f"{one}/end": ["model:v0", "preprocessed:v0"],
        f"{two}/start": [],
        f"{two}/preprocess": ["raw:v0"],
        f"{two}/initialize": [],
        f"{two}/train": ["initial_model:v1", "preprocessed:v0"],
        f"{two}/end": ["model:v1", "preprocessed:v0"],
    }
    assert document["inputs"] == used
    assert document["used"] == {
        version: sorted(run for run, inputs in used.items() if version in inputs)
        for version in document["logged"]
    }


def test_the_three_splits_are_files_of_one_data_set(
    tutorial: tuple[tuple[str, str], dict[str, Any]],
) -> None:
    """A dict of tables is a data set with a file for each."""
    _, document = tutorial
    for name in ("raw", "preprocessed"):
        assert document["types"][f"{name}:v0"] == "dataset"
        assert document["files"][f"{name}:v0"] == [
            f"{name}/{split}.parquet" for split in ("test", "training", "validation")
        ]
    assert document["types"]["model:v0"] == document["types"]["initial_model:v0"] == "model"
    assert document["files"]["model:v0"] == ["model.pkl"]


def test_metadata_and_aliases_come_from_rules(
    tutorial: tuple[tuple[str, str], dict[str, Any]],
) -> None:
    """The model that was trained in too large steps is the latest one, and not a good one."""
    (first, second), document = tutorial
    metadata, aliases = document["metadata"], document["aliases"]
    sizes = {"training": 360, "validation": 120, "test": 120}
    assert (metadata["raw:v0"]["source"], metadata["raw:v0"]["sizes"]) == ("numpy.random", sizes)
    assert metadata["preprocessed:v0"]["steps"] == {"normalize": True, "clip": 3.0}
    assert metadata["initial_model:v0"]["model_config"] == {"loss": "log_loss", "penalty": "l2"}
    model = metadata["model:v0"]
    assert (model["epochs"], model["learning_rate"]) == (8, 0.1)
    assert model["validation_accuracy"] > 0.8 > metadata["model:v1"]["validation_accuracy"]
    assert aliases["model:v0"] == ["good", f"run-{first}"]
    assert aliases["model:v1"] == ["latest", f"run-{second}"]
    assert aliases["raw:v0"] == sorted(["latest", f"run-{first}", f"run-{second}"])
    assert (document["latest"], document["good"]) == ("model:v1", "model:v0")
