"""The published schemas of what `--json` prints."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mfwb.outcome import FlowRunOutcome, OutputOutcome, Result, Status, WandbRunOutcome
from mfwb.report.json_schema import DOCUMENTS, json_schema
from tests.support.json_documents import SCHEMAS, strict_validator
from tools.json_schemas import texts

_LOCK = Path(__file__).parents[3] / "constraints.txt"


def test_files_are_up_to_date() -> None:
    """`make schemas` would change nothing."""
    locked = re.search(r"^pydantic==(\S+)", _LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert locked
    if importlib.metadata.version("pydantic") != locked[1]:
        pytest.skip("other versions of pydantic write schemas in other words")
    files = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.iterdir()}

    assert files == texts(), "say `make schemas`"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_all_is_described(name: str) -> None:
    """A schema is valid, open for new keys, and describes the document and each key."""
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)

    for part in [schema, *schema.get("$defs", {}).values()]:
        assert "Attributes" not in part["description"]
        assert part.get("additionalProperties", True)
        for key, value in part.get("properties", {}).items():
            assert value.get("description"), f"{part['title']}.{key} is not described"
    assert schema["properties"]["version"]["const"] == 1


def test_keys_that_are_not_described_fail() -> None:
    """The check of the tests is strict, at each depth; that of users is open."""
    run = WandbRunOutcome(
        "id", "F/1/a", "a", "finished", outputs=(OutputOutcome("x", "t", None, 1, ()),)
    )
    document: Any = Result(
        "sync", (FlowRunOutcome("F/1", Status.SYNCED, wandb_runs=(run,)),)
    ).to_dict()
    strict = strict_validator("sync")
    assert strict.is_valid(document)

    [made] = document["flow_runs"][0]["wandb_runs"]
    made["outputs"][0]["new"] = 1
    assert not strict.is_valid(document)
    assert Draft202012Validator(json_schema("sync")).is_valid(document)
    del made["outputs"][0]["new"], made["id"]
    assert not strict.is_valid(document)
    assert not Draft202012Validator(json_schema("sync")).is_valid(document)
