"""Notes of W&B runs."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings

from mfwb.planning.run_notes import build_notes
from mfwb.snapshot import FlowRun
from tests.support.examples import examples
from tests.support.flow_runs import flow_run, task
from tests.support.strangers import anything
from tests.unit.planning.plans import runs_of

PROVIDER = "service@https://metaflow.example.com"


def documented(doc: str) -> FlowRun:
    """Return a flow run whose first step has a docstring."""
    run = flow_run(task("start/1", to="end"), task("end/2"), provider=PROVIDER)
    first, last = run.steps
    return replace(run, steps=(replace(first, doc=doc), last))


def test_docstring_and_lines_of_metaflows_client() -> None:
    """The docstring is text, and the lines open the same step."""
    runs = runs_of(documented("Load the data.\n\nFrom *two* files."))

    assert runs["start"].notes == (
        "```text\nLoad the data.\n\nFrom *two* files.\n```\n\n"
        "Open it in Metaflow:\n\n"
        "```python\n"
        "from metaflow import Step, metadata, namespace\n\n"
        'metadata("service@https://metaflow.example.com")\n'
        "namespace(None)\n"
        'step = Step("DemoFlow/7/start")\n'
        "```"
    )
    assert runs["end"].notes.startswith("Open it in Metaflow:")


def test_the_lines_open_a_task_at_that_granularity() -> None:
    """Each W&B run names what it stands for."""
    runs = runs_of(documented(""), granularity="task")

    assert 'task = Task("DemoFlow/7/start/1")' in runs["start/1"].notes
    assert "from metaflow import Task, metadata, namespace" in runs["start/1"].notes


def test_own_notes_come_first_and_empty_ones_switch_them_off() -> None:
    """The setting `run_notes` stands in front; an empty one means no notes."""
    with_own = runs_of(documented("Load."), settings={"run_notes": "**hello**"})["start"]
    without = runs_of(documented("Load."), settings={"run_notes": ""})["start"]

    assert with_own.notes.startswith("**hello**\n\n```text\nLoad.\n```")
    assert not without.notes
    assert with_own.fingerprint.partition(".")[0] == without.fingerprint.partition(".")[0]
    assert with_own.fingerprint != without.fingerprint


def test_no_password_of_a_provider() -> None:
    """The address of a metadata service has no credentials in the notes."""
    notes = build_notes("F/1/a", "service@https://ada:hunter2@meta.example.com", "", {}, None)

    assert "hunter2" not in notes
    assert "meta.example.com" in notes


@pytest.mark.parametrize("doc", ["```\n![x](http://evil)", "a ```` b\n`````", "~~~\n<img src=x>"])
def test_a_docstring_never_leaves_its_block(doc: str) -> None:
    """No docstring can end the block of code that shows it."""
    assert_inside_block(build_notes("F/1/a", "local@/data", doc, {}, None), doc)


@settings(max_examples=examples(60), deadline=None)
@given(anything())
def test_text_of_strangers_stays_in_its_block(doc: str) -> None:
    """Whatever a docstring contains, W&B shows it as text."""
    notes = build_notes("F/1/a", "local@/data", doc, {}, None)

    assert "\x1b" not in notes
    if doc.strip():
        assert_inside_block(notes, None)


def assert_inside_block(notes: str, doc: str | None) -> None:
    """Read the notes as Markdown does: the first fence ends at a line of as many backticks."""
    first, *lines = notes.split("\n")
    fence = re.fullmatch("(`{3,})text", first)
    assert fence is not None
    end = next(
        number
        for number, line in enumerate(lines)
        if re.fullmatch(f" {{0,3}}`{{{len(fence[1])},}}\\s*", line)
    )
    if doc is not None:
        assert "\n".join(lines[:end]) == doc
    assert lines[end + 1 : end + 3] == ["", "Open it in Metaflow:"]


def test_links_are_named() -> None:
    """Links to one page each are in the notes, those of many tasks are not."""
    links = {
        "metaflow_ui": ["https://ui.example.com/F/1/a"],
        "aws_batch": ["https://a", "https://b"],
    }

    assert build_notes("F/1/a", "local@/data", "", links, None).endswith(
        "\n\n[Metaflow UI](https://ui.example.com/F/1/a)"
    )


def test_a_long_docstring_is_shortened() -> None:
    """Config has the whole docstring."""
    notes = build_notes("F/1/a", "local@/data", "word " * 10_000, {}, None)

    assert len(notes) < 11_000
    assert "(the first 10,000 of 49,999 characters)" in notes
