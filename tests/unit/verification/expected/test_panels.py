"""Panels that a W&B run should show of what its tasks stored."""

from __future__ import annotations

import pytest

from mfwb.config import StepSettings
from mfwb.verification.expected.contents import Contents
from mfwb.verification.expected.kinds import ExpectedForm
from mfwb.verification.expected.model import ExpectedPanel
from mfwb.verification.expected.panels import expect_panels
from mfwb.verification.expected.run_files import StoredFile
from mfwb.verification.expected.value_reader import ValueReader, new_value_process
from tests.unit.verification.expected.facts_of_tasks import flow_run, held, task

_PICTURE = ExpectedForm(("other",), "image")
_MAKER = frozenset({"F/1/train/2"})


def panels_of(*files: StoredFile) -> list[ExpectedPanel]:
    """Return the panels of a step whose tasks stored these files under one name."""
    values = ValueReader(new_value_process())
    contents = Contents(flow_run(), values, lambda _datastore: pytest.fail("nothing is stored"))
    return list(expect_panels({"plot": files}, StepSettings(), contents, merged=True))


def stored(picked_from: frozenset[str] = frozenset()) -> StoredFile:
    """Return a picture that a task made, or picked."""
    item = task("join")
    return StoredFile(item, held("plot"), _PICTURE, item.path, picked_from=picked_from)


@pytest.mark.parametrize("files", [(stored(),), (stored(_MAKER), stored())])
def test_a_picture_is_shown_by_the_step_that_made_it(files: tuple[StoredFile, ...]) -> None:
    """Also if another task of the step picked one."""
    [panel] = panels_of(*files)

    assert panel.key == "plot"
    assert panel.types == frozenset({"image-file", "images/separated"})


def test_a_picture_that_was_picked_is_not_shown_again() -> None:
    """The step that made it shows it."""
    assert panels_of(stored(_MAKER)) == []
