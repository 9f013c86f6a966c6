"""Messages between a backfill and its processes: what is sent comes back as it was."""

from __future__ import annotations

import json
from typing import Any

from mfwb.config import load_settings
from mfwb.shards.messages import (
    Job,
    SentProgress,
    SentSettings,
    job_from_json,
    job_to_json,
    outcome_of,
)
from tests.unit.ledger.entries import OUTCOME


def test_settings_are_the_same() -> None:
    """Those of files, variables and flags, with where they come from."""
    flags: dict[str, Any] = {
        "project": "wines",
        "workers": 4,
        "timeout": "7m",
        "settings": {"run_tags": ["a"]},
        "flow": {"F": {"step": {"end": {"datasets": False}}}},
        "max_artifact_size": "2GB",
        "redact": {"names": ["mine"]},
    }
    settings = load_settings(flags, environ={"MFWB_GRANULARITY": "task"})
    job = Job(("F/1",), None, "/ledger", SentSettings.of(settings))

    received = job_from_json(job_to_json(job)).settings.make()

    assert received == settings
    assert received.stamp("F") == settings.stamp("F")
    assert received.explicit == settings.explicit
    assert received.origins == settings.origins


def test_an_outcome_is_the_same() -> None:
    """Also what only this call knows, such as the bytes that it wrote."""
    lines: list[str] = []
    progress = SentProgress(lines.append)

    progress.flow_run("F/1", 0, 2)
    progress.finished(OUTCOME)
    progress.send("end", ["a note"])

    messages = [json.loads(line) for line in lines]
    assert messages[0] == ["flow_run", "F/1", 0, 2]
    assert outcome_of(messages[1][1]) == OUTCOME
    assert messages[2] == ["end", ["a note"]]
    assert not any("\n" in line for line in lines)
