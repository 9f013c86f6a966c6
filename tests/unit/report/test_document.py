"""The JSON document."""

from __future__ import annotations

import json

from mfwb.outcome import Result
from mfwb.report import to_json
from tests.unit.report.samples import SYNCED, flow_run, run


def test_document_says_all() -> None:
    """The document is the result, in a fixed order of keys."""
    document = json.loads(to_json(SYNCED))

    assert document == SYNCED.to_dict()
    assert list(document) == ["version", "command", "flow_runs", "notes", "totals"]
    assert to_json(SYNCED) == to_json(SYNCED)
    assert to_json(SYNCED).startswith('{\n  "version": 1,\n  "command": "sync",\n')


def test_letters_stay_letters_unless_they_must_not() -> None:
    """Names in other alphabets are readable; for a stream that lacks them they are escaped."""
    result = Result("sync", (flow_run(run("größe")),))

    assert "größe" in to_json(result)
    assert to_json(result, ascii_only=True).isascii()
    assert json.loads(to_json(result, ascii_only=True)) == json.loads(to_json(result))
