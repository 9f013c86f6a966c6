"""The artifacts that a W&B run should log, and their files."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from mfwb.config import StepSettings
from mfwb.snapshot import Datastore
from mfwb.verification.expected.checkpoint_files import CheckpointFiles
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.kinds import KINDS, ExpectedForm, Shape
from mfwb.verification.expected.model import ExpectedArtifact, ExpectedFile, Need
from mfwb.verification.expected.run_files import StoredFile, expect_artifacts, expect_included
from mfwb.verification.expected.value_reader import PickledValue, ValueReader, new_value_process
from tests.unit.verification.expected.facts_of_tasks import flow_run, held, task

_NO_CHECKPOINTS = CheckpointFiles(
    lambda _datastore: pytest.fail("nothing is stored"), lambda datastore, _task: datastore
)
S3 = Datastore("s3", "s3://bucket/root")
TASKS = [task("fit", f"{n}", indexes=(n,), datastore=S3) for n in range(2)]


def _expect(
    settings: StepSettings, shape: Shape = "pickle", kinds: tuple[str, ...] = ("model",)
) -> list[ExpectedArtifact]:
    values = ValueReader(new_value_process())
    contents = Contents(flow_run(), values, lambda _datastore: pytest.fail("nothing is stored"))
    files = [StoredFile(item, held("net"), ExpectedForm(kinds, shape), item.path) for item in TASKS]
    return [*expect_artifacts({"net": files}, settings, contents, _NO_CHECKPOINTS, merged=True)]


def test_a_folder_for_each_task() -> None:
    """The files of each task are in a folder of its index."""
    [artifact] = _expect(StepSettings())

    assert (artifact.names, artifact.kinds) == (("net", "net-model"), ("model",))
    assert artifact.need is Need.REQUIRED
    assert [folder.prefix for folder in artifact.folders] == ["0/", "1/"]
    assert artifact.folders[0].options == ({"net.pkl": ExpectedFile(100)},)


def test_a_table_may_have_its_pickle_beside_it() -> None:
    """What can't be converted is a pickle; what loses something has both files."""
    [artifact] = _expect(StepSettings(), "parquet", ("dataset",))

    assert [sorted(option) for option in artifact.folders[0].options] == [
        ["net.parquet"],
        ["net.parquet", "net.pkl"],
        ["net.pkl"],
    ]


def test_a_kind_that_is_switched_off() -> None:
    """It is not logged; if another kind is possible too, it may be logged."""
    settings = StepSettings(models=False)

    assert _expect(settings) == []
    [artifact] = _expect(settings, kinds=("model", "other"))
    assert (artifact.kinds, artifact.need) == (("other",), Need.ALLOWED)


def test_references() -> None:
    """With references, a file is a reference to Metaflow's datastore."""
    [artifact] = _expect(StepSettings(references=True))

    assert artifact.folders[0].options == ({"net*": ExpectedFile(reference=True)},)


def test_a_container_that_was_not_read() -> None:
    """It may hold values, tables, or something else: each of these forms is right."""
    [artifact] = _expect(StepSettings(), "container", KINDS)

    assert [sorted(option) for option in artifact.folders[0].options] == [
        ["net/*"],
        ["net.pkl", "net/*"],
        ["net.json"],
        ["net.pkl"],
    ]


@pytest.mark.parametrize(("value", "number"), [(None, 0), ("text", 1)])
def test_a_file_that_was_not_given(value: str | None, number: int) -> None:
    """An IncludeFile that is not required, and is None, is no artifact."""
    local = Datastore("local", "/data")
    facts = flow_run(
        parameters={"words": held("words")}, kinds={"words": "IncludeFile"}, datastore=local
    )
    described = {held("words").sha1: PickledValue("d", is_nothing=value is None)}
    contents = SimpleNamespace(describe=lambda artifact: described[artifact.sha1])

    result = expect_included(facts, StepSettings(), cast("Contents", contents))

    assert len(list(result)) == number
