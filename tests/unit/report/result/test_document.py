"""The JSON document."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mfwb.outcome import FlowRunOutcome, Result
from mfwb.report.result.document import to_json
from tests.unit.report.samples import SYNCED, flow_run, run


def test_document_says_all() -> None:
    """The document is the result, in a fixed order of keys."""
    document = json.loads(_text(SYNCED))

    assert document == SYNCED.to_dict()
    assert list(document) == ["version", "command", "flow_runs", "notes", "totals"]
    assert _text(SYNCED) == _text(SYNCED)
    assert _text(SYNCED).startswith('{\n  "version": 1,\n  "command": "sync",\n')


def test_letters_stay_letters_unless_they_must_not() -> None:
    """Names in other alphabets are readable; for a stream that lacks them they are escaped."""
    result = Result("sync", (flow_run(run("größe")),))

    assert "größe" in _text(result)
    assert _text(result, ascii_only=True).isascii()
    assert json.loads(_text(result, ascii_only=True)) == json.loads(_text(result))


@pytest.mark.parametrize("flow_runs", [(), SYNCED.flow_runs, SYNCED.flow_runs * 2])
def test_it_is_written_in_parts_as_json_writes_it(flow_runs: tuple[FlowRunOutcome, ...]) -> None:
    """Who has a thousand flow runs need not have them in memory as text."""
    result = replace(SYNCED, flow_runs=flow_runs)
    whole = result.to_dict()

    assert _text(result) == json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("flow_runs", [(), SYNCED.flow_runs, SYNCED.flow_runs * 2])
def test_programs_get_a_line_for_each_flow_run(flow_runs: tuple[FlowRunOutcome, ...]) -> None:
    """It is the same document; only who reads it with their own eyes needs more lines."""
    result = replace(SYNCED, flow_runs=flow_runs)
    text = "".join(to_json(result, indented=False))

    assert json.loads(text) == result.to_dict()
    assert len([line for line in text.splitlines() if "pathspec" in line]) == len(flow_runs)


def _text(result: Result, *, ascii_only: bool = False) -> str:
    return "".join(to_json(result, ascii_only=ascii_only))
