"""examples/notebook.ipynb: a real kernel executes it, with the outputs that are committed."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.docs.notebooks import NOTEBOOK, execute, outputs_of


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory, wine_flow_runs: Path) -> Any:
    """Return the notebook, executed over a run of the sample flow."""
    return execute(tmp_path_factory.mktemp("notebook"), wine_flow_runs)


class _Tags(HTMLParser):
    """The tags of a text that are not closed, and those that could run or load something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.active: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        names = {name for name, _ in attrs}
        if tag in {"script", "iframe", "img", "link", "object"} or any(
            name.startswith("on") or name == "src" for name in names
        ):
            self.active.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_outputs_are_those_that_are_committed(notebook: Any) -> None:
    """But for ids, times and sizes; `make notebook` writes them anew."""
    committed = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]

    assert [cell.source for cell in committed.cells] == [cell.source for cell in notebook.cells]
    assert outputs_of(committed) == outputs_of(notebook), "say `make notebook`"


def test_what_results_look_like(notebook: Any) -> None:
    """Each is a small box and a short line; failures are red, and have their reason."""
    shown = [
        output.data
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]

    assert len(shown) == 6
    for data in shown:
        assert data["text/plain"].startswith("<mfwb ")
        assert len(data["text/plain"]) < 400
        assert len(data["text/html"]) < 20_000
        tags = _Tags(data["text/html"])
        assert (tags.open, tags.active) == ([], [])
    plain = [data["text/plain"] for data in shown]
    assert "<mfwb sync: 1 synced>" in plain
    assert "<mfwb verify: 1 same>" in plain
    assert "<mfwb status: 1 synced>" in plain
    failed = shown[-1]["text/html"]
    assert '<span class="bad">failed</span>' in failed
    assert '<span class="bad">there is no WineFlow/nosuch in local@demo; ' in failed


def test_an_error_is_one_paragraph(notebook: Any) -> None:
    """It has the text of the error and the line of the cell, and nothing of mfwb's inside."""
    [error] = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]

    assert error.ename == "UsageError"
    text, where = error.traceback
    assert text == (
        "\x1b[31mmfwb.UsageError\x1b[0m: 'WineFlow/latest/train' names more than a flow run; mfwb "
        "works on whole runs, so give 'WineFlow/latest'"
    )
    assert where == '  in line 1: mfwb.sync("WineFlow/latest/train", **where)'


def test_no_path_of_a_machine(notebook: Any) -> None:
    """What is committed names no folder of who made it."""
    for text in (NOTEBOOK.read_text(encoding="utf-8"), nbformat.writes(notebook)):  # type: ignore[no-untyped-call]
        assert "/tmp/" not in text  # noqa: S108 - that is the point
        assert str(Path.home()) not in text
        assert len(text) < 60_000
