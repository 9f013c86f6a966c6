"""What mfwb touches of wandb that is not public: fails when wandb changes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mfwb.sink.transaction_log import read_records, wait_until_closed
from tests.sandbox import Sandbox

_PROGRAM = """
import json, sys
import wandb
from mfwb.sink.artifacts import make_reference_to
from mfwb.sink.private import (
    FAILURES, publish_started_at, publish_use, without_launch_inputs,
)
from mfwb.sink.run_settings import run_settings

folder = sys.argv[1]
launch = without_launch_inputs()
launch.__enter__()
producer = wandb.init(
    project="p", entity="e", id="producer", dir=folder, reinit="create_new",
    settings=run_settings(mode="offline"),
)
made = wandb.Artifact("made", type="dataset", metadata={"a": 1})
made.add_file(sys.argv[2], name="x.bin", policy="immutable", skip_cache=True)
producer.log_artifact(made, aliases=["run-1"])
publish_started_at(producer, 1_700_000_000_123, program="flow.py")
producer.summary.update({"_wandb": {"runtime": 7}, "_runtime": 7.5, "v": 1})
producer.finish(exit_code=1)

consumer = wandb.init(
    project="p", entity="e", id="consumer", dir=folder, reinit="create_new",
    settings=run_settings(mode="offline"),
)
for number in range(3000):
    consumer.log({"x": number, "text": "t" * 50}, step=number)
publish_use(consumer, make_reference_to(made))
consumer.finish(exit_code=0)
print(json.dumps({
    "files": [producer.settings.sync_file, consumer.settings.sync_file],
    "launch": sorted(name for name in sys.modules if name.startswith("wandb.sdk.launch")),
    "failures": [error.__name__ for error in FAILURES],
}))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the records of two offline runs: one logs an artifact, the other uses it."""
    root = tmp_path_factory.mktemp("contract")
    payload = root / "payload.bin"
    payload.write_bytes(b"\\x00" * 100_000)
    done = Sandbox(root).run(sys.executable, "-c", _PROGRAM, str(root), str(payload))
    assert done.code == 0, done.err
    said = json.loads(done.out.splitlines()[-1])
    paths = [Path(file) for file in said["files"]]
    assert all(wait_until_closed(path) for path in paths)
    return {**said, "records": [list(read_records(path)) for path in paths], "payload": payload}


def _kinds(records: list[Any]) -> list[str]:
    return [str(record.WhichOneof("record_type")) for record in records]


def _artifact(records: list[Any]) -> Any:
    [found] = [one.artifact for one in records if one.WhichOneof("record_type") == "artifact"]
    return found


def test_every_record_is_read(written: dict[str, Any]) -> None:
    """Our reader finds all rows, across block borders, and the exit at the end."""
    producer, consumer = written["records"]

    assert _kinds(producer)[-1] == _kinds(consumer)[-1] == "exit"
    assert _kinds(consumer).count("history") == 3000
    assert producer[-1].exit.exit_code == 1


def test_a_logged_artifact_refers_to_its_file(written: dict[str, Any]) -> None:
    """The record holds the path that was given: nothing was staged."""
    record = _artifact(written["records"][0])

    [entry] = record.manifest.contents
    assert (entry.path, entry.local_path) == ("x.bin", str(written["payload"]))
    assert sorted(record.aliases) == ["latest", "run-1"]
    assert (record.user_created, record.use_after_commit) == (False, False)


def test_a_used_artifact_is_the_users_and_has_no_alias(written: dict[str, Any]) -> None:
    """The consumer's record names the same content, creates no output and moves no alias."""
    logged, used = (_artifact(records) for records in written["records"])

    assert (used.name, used.type, used.digest) == (logged.name, logged.type, logged.digest)
    assert (used.user_created, used.use_after_commit) == (True, True)
    assert list(used.aliases) == []
    assert used.client_id != logged.client_id


def test_started_at_and_duration_survive(written: dict[str, Any]) -> None:
    """The environment record has our start, and the summary keeps our runtime."""
    producer = written["records"][0]

    [environment] = [
        one.environment for one in producer if one.WhichOneof("record_type") == "environment"
    ]
    updates = {
        item.key: json.loads(item.value_json)
        for one in producer
        if one.WhichOneof("record_type") == "summary"
        for item in one.summary.update
    }
    assert environment.started_at.ToMilliseconds() == 1_700_000_000_123
    assert updates["_wandb"] == {"runtime": 7}
    assert updates["_runtime"] == 7.5


def test_failures_have_their_names(written: dict[str, Any]) -> None:
    """What wandb raises besides its public Error is still found where it was."""
    assert written["failures"] == [
        "Error",
        "ServerResponseError",
        "HandleAbandonedError",
        "MailboxClosedError",
        "WandbApiFailedError",
        "ConnectionError",
        "TimeoutError",
    ]


def test_launch_is_not_imported(written: dict[str, Any]) -> None:
    """An offline run looks for inputs of W&B Launch in a module that has none."""
    assert written["launch"] == ["wandb.sdk.launch.inputs.internal"]
