"""Datastores elsewhere are read if the user names them; links may lead to those, too."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.sandbox import Finished, Sandbox


@pytest.fixture
def root(flow_run: Callable[[str], str], flows_root: Path, tmp_path: Path) -> Path:
    """Return a folder with a flow run of its own."""
    flow, _, number = flow_run("two_flow").partition("/")
    origin, copy = (item / ".metaflow" / flow for item in (flows_root, tmp_path / "root"))
    for name in ("_meta", number, "data"):
        shutil.copytree(origin / name, copy / name)
    for path in copy.glob(f"{number}/*/*/_meta/*.json"):  # it was moved here with its metadata
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(str(flows_root), str(tmp_path / "root")), encoding="utf-8")
    return tmp_path / "root"


@pytest.fixture
def plan(root: Path, tmp_path: Path) -> Callable[..., Any]:
    """Return `mfwb plan` of that flow run, which gives its outcome."""

    def plan(*arguments: str, **environment: str) -> Any:
        done: Finished = Sandbox(tmp_path / "sandbox").mfwb(
            "plan", "TwoFlow/latest", "--json", "--metadata", f"local@{root}", *arguments,
            **environment,
        )  # fmt: skip
        [outcome] = done.document["flow_runs"]
        return outcome

    return plan


def _made(outcome: Any) -> list[str]:
    return [key for run in outcome["wandb_runs"] for key in run["summary_keys"]]


def test_bytes_elsewhere(root: Path, tmp_path: Path, plan: Callable[..., Any]) -> None:
    """A datastore that is not beside its metadata has to be named."""
    elsewhere = tmp_path / "elsewhere" / ".metaflow"
    shutil.copytree(root / ".metaflow", elsewhere)
    for path in root.glob(".metaflow/TwoFlow/*/*/*/_meta/*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        text = json.dumps(document).replace(str(root), str(tmp_path / "elsewhere"))
        path.write_text(text, encoding="utf-8")
    for path in root.glob(".metaflow/TwoFlow/*/*/*/0.data.json"):
        path.unlink()

    refused, named = plan(), plan("--datastore-root", str(tmp_path / "elsewhere"))
    by_variable = plan(MFWB_DATASTORE_ROOTS=f"s3://b/m, {elsewhere}")

    assert refused["status"] == "failed"
    assert f"--datastore-root {elsewhere}" in refused["reason"]
    assert {"number", "double"} <= {*_made(named)}
    assert named["wandb_runs"] == by_variable["wandb_runs"]


def test_a_flow_on_another_disk(root: Path, tmp_path: Path, plan: Callable[..., Any]) -> None:
    """A link that leads out of the datastore is followed to a folder that was named, no other."""
    disk = tmp_path / "disk"
    (root / ".metaflow" / "TwoFlow").rename(disk)
    (root / ".metaflow" / "TwoFlow").symlink_to(disk)

    refused, named = plan(), plan("--datastore-root", str(disk))

    assert refused["status"] == "failed"
    assert "--datastore-root" in refused["reason"]
    assert {"number", "double"} <= {*_made(named)}


def test_links_that_stay(root: Path, tmp_path: Path, plan: Callable[..., Any]) -> None:
    """The root may be a link itself, and links may lead from one folder below it to another."""
    flow = root / ".metaflow" / "TwoFlow"
    (flow / "data").rename(root / ".metaflow" / "bytes")
    (flow / "data").symlink_to("../bytes")
    (root / ".metaflow").rename(tmp_path / "disk")
    (root / ".metaflow").symlink_to(tmp_path / "disk")

    assert {"number", "double"} <= {*_made(plan())}


def test_a_moved_datastore(root: Path, tmp_path: Path, plan: Callable[..., Any]) -> None:
    """One that was copied is read at its new place, whether or not the old one is still there."""
    for path in root.glob(".metaflow/TwoFlow/*/*/*/_meta/*.json"):
        text = path.read_text(encoding="utf-8").replace(str(root), str(tmp_path / "old"))
        path.write_text(text, encoding="utf-8")
    moved = plan()
    (tmp_path / "old" / ".metaflow").mkdir(parents=True)
    copied = plan()

    assert {"number", "double"} <= {*_made(moved)}
    assert copied == moved


@pytest.mark.parametrize("own", ["s3://ours/metaflow", ""])
def test_a_bucket(root: Path, own: str, plan: Callable[..., Any]) -> None:
    """A bucket has to be one of the user's; who has none configured is told how to do so."""
    for path in root.glob(".metaflow/TwoFlow/*/*/*/_meta/sysmeta_ds-*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        document["value"] = "s3" if document["field_name"] == "ds-type" else "s3://theirs/metaflow"
        path.write_text(json.dumps(document), encoding="utf-8")

    refused = plan(**({"METAFLOW_DATASTORE_SYSROOT_S3": own} if own else {}))

    assert refused["status"] == "failed"
    assert "--datastore-root s3://theirs/metaflow" in refused["reason"]
    assert ("METAFLOW_DATASTORE_SYSROOT_S3" in refused["reason"]) is (not own)
