"""What mfwb knows of wandb that is not public: fails when wandb changes it."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import wandb
from wandb.proto import wandb_internal_pb2 as pb
from wandb.sdk.artifacts._internal_artifact import InternalArtifact

from mfwb.ports import ChartAxis
from mfwb.settings_files import find_wandb_file
from mfwb.settings_files.sensitivity import HARMLESS_OF_WANDB
from mfwb.sink.client.private import add_local_file
from mfwb.sink.offline.artifact_draft import table_artifact_name
from mfwb.sink.offline.records import axis_records
from mfwb.sink.offline.wandb_file import read_framed, read_records, write_framed
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer

_PROGRAM = """
import json, sys
import wandb
from mfwb.ports import ReadyTable
from mfwb.sink.content.media import write_table_artifact
from mfwb.sink.client.private import (
    FAILURES, publish_history, publish_started_at,
)
from mfwb.sink.offline.records import history_records
from mfwb.sink.setup.quiet_settings import replay_settings
from mfwb.sink.setup.run_settings import run_settings
from pathlib import Path

folder = sys.argv[1]
run = wandb.init(
    project="p", entity="e", id="producer", dir=folder, reinit="create_new",
    settings=run_settings({}, {**replay_settings(60.0), "mode": "offline"}),
)
made = wandb.Artifact("made", type="dataset", metadata={"a": 1})
made.add_file(sys.argv[2], name="x.bin", policy="immutable", skip_cache=True)
run.log_artifact(made, aliases=["run-1"])
publish_started_at(run, 1_700_000_000_123, program="flow.py")
for number in range(3000):
    run.log({"x": number, "text": "t" * 50}, step=number)
row = {"loss": 0.5, "epoch": 3, "_timestamp": 1_700_000_000.5, "_runtime": 0.25}
publish_history(run, [
    record.history.SerializeToString() for record in history_records([(3000, row)], {})
])
run.define_metric("loss", step_metric="epoch")
run.define_metric("kept", step_metric="epoch", summary="none")
rows = (("0", 1.5, None), ("1", "NaN", True))
table = ReadyTable(columns=("index", "b", "a"), rows=rows)
run.summary.update({
    "_wandb": {"runtime": 7}, "_runtime": 7.5, "v": 1,
    "tasks": wandb.Table(
        columns=list(table.columns), data=[list(row) for row in rows], allow_mixed_types=True
    ),
})
run.write_logs("a line")
run.finish(exit_code=1)
write_table_artifact(table, Path(folder) / "ours.table.json")
print(json.dumps({
    "file": run.settings.sync_file,
    "failures": [error.__name__ for error in FAILURES],
}))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the records of an offline run that the SDK wrote."""
    root = tmp_path_factory.mktemp("contract")
    payload = root / "payload.bin"
    payload.write_bytes(b"\\x00" * 100_000)
    done = Sandbox(root).python(_PROGRAM, str(root), str(payload))
    assert done.code == 0, done.err
    reported = json.loads(done.out.splitlines()[-1])
    records = _read_when_closed(Path(reported["file"]))
    return {**reported, "root": root, "records": records, "payload": payload}


def _read_when_closed(path: Path) -> list[Any]:
    """Return the records; `finish()` returns before wandb-core has written the end."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        records = list(read_records(path, pb.Record)) if path.exists() else []
        if records and records[-1].WhichOneof("record_type") == "exit":
            return records
        time.sleep(0.05)
    raise AssertionError("no exit record")


def _all(written: dict[str, Any], kind: str) -> list[Any]:
    return [
        getattr(item, kind) for item in written["records"] if item.WhichOneof("record_type") == kind
    ]


def test_every_record_is_read(written: dict[str, Any]) -> None:
    """Our reader finds all rows, across block borders, and the exit at the end."""
    assert len(_all(written, "history")) == 3001
    [exit_record] = _all(written, "exit")
    assert exit_record.exit_code == 1


def test_our_file_is_theirs_byte_for_byte(written: dict[str, Any], tmp_path: Path) -> None:
    """Framed by us, their records make their file: header, chunks, checksums."""
    path = tmp_path / "ours.wandb"

    write_framed(path, read_framed(Path(written["file"])))

    assert path.read_bytes() == Path(written["file"]).read_bytes()


def test_a_logged_artifact_refers_to_its_file(written: dict[str, Any]) -> None:
    """The record holds the path that was given: nothing was staged."""
    record = next(item for item in _all(written, "artifact") if item.name == "made")

    [entry] = record.manifest.contents
    assert (entry.path, entry.local_path) == ("x.bin", str(written["payload"]))
    assert sorted(record.aliases) == ["latest", "run-1"]
    assert (record.user_created, record.use_after_commit, record.finalize) == (False, False, True)
    assert (len(record.client_id), len(record.sequence_client_id)) == (128, 128)


def test_a_table_is_an_artifact_and_a_file(written: dict[str, Any]) -> None:
    """The artifact has the bytes that we write; the summary says what ours says, and where."""
    artifact = next(item for item in _all(written, "artifact") if item.type == "run_table")
    reported = _summary(written)["tasks"]

    [entry] = artifact.manifest.contents
    ours = (written["root"] / "ours.table.json").read_bytes()
    assert (artifact.name, entry.path) == ("run-producer-tasks", "tasks.table.json")
    assert ours == Path(entry.local_path).read_bytes()
    assert reported.pop("path").startswith("media/table/tasks_summary_")
    assert reported.pop("sha256")
    assert reported.pop("size")
    assert reported == {
        "_type": "table-file",
        "artifact_path": f"wandb-client-artifact://{artifact.client_id}/tasks.table.json",
        "_latest_artifact_path": (
            f"wandb-client-artifact://{artifact.sequence_client_id}:latest/tasks.table.json"
        ),
        "ncols": 3,
        "nrows": 2,
        "log_mode": "IMMUTABLE",
    }


def test_started_at_and_duration_survive(written: dict[str, Any]) -> None:
    """The environment record has our start, and the summary keeps our runtime."""
    [environment] = _all(written, "environment")
    summary = _summary(written)

    assert environment.started_at.ToMilliseconds() == 1_700_000_000_123
    assert summary["_wandb"] == {"runtime": 7}
    assert summary["_runtime"] == 7.5


def test_a_row_keeps_its_times(written: dict[str, Any]) -> None:
    """`_runtime` is as given; public `log` replaces it by the time since the run was opened."""
    rows = {
        record.step.num: {item.nested_key[0]: json.loads(item.value_json) for item in record.item}
        for record in _all(written, "history")
    }

    assert rows[3000]["_runtime"] == 0.25
    assert rows[3000]["_timestamp"] == 1_700_000_000.5
    assert (rows[3000]["loss"], rows[3000]["epoch"]) == (0.5, 3)


def test_x_axes_are_the_records_of_define_metric(written: dict[str, Any]) -> None:
    """Those that an offline sync writes itself."""
    axes = [ChartAxis("loss", "epoch"), ChartAxis("kept", "epoch", keeps_value=True)]
    ours = [
        pb.MetricRecord.FromString(record.metric.SerializeToString())
        for record in axis_records(axes)
    ]
    theirs = _all(written, "metric")
    for record in theirs:
        record.ClearField("_info")

    assert ours == theirs


def test_log_lines_are_one_record(written: dict[str, Any]) -> None:
    """Text for the Logs tab ends with a line break."""
    assert [item.line for item in _all(written, "output_logger")] == ["a line\n"]


@pytest.mark.parametrize("key", ["tasks", "données", "a/b", "数据"])
def test_the_name_of_a_table(key: str) -> None:
    """As W&B makes it of the key in the summary."""
    made = InternalArtifact(f"run-x-{key}", "run_table")

    assert table_artifact_name("x", key) == made.name


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


def _summary(written: dict[str, Any]) -> dict[str, Any]:
    return {
        item.key: json.loads(item.value_json)
        for entry in _all(written, "summary")
        for item in entry.update
    }


def test_a_file_whose_checksum_is_known(tmp_path: Path) -> None:
    """The entry is the one that public `add_file` makes, without reading the file."""
    file = tmp_path / "x.pkl"
    file.write_bytes(b"bytes")
    theirs = wandb.Artifact("theirs", type="other")
    theirs.add_file(str(file), name="a/x.pkl", policy="immutable", skip_cache=True)
    ours = wandb.Artifact("ours", type="other")
    md5 = base64.b64encode(hashlib.md5(b"bytes", usedforsecurity=False).digest()).decode()

    add_local_file(ours, "a/x.pkl", file, md5=md5, size=5)

    assert ours.digest == theirs.digest
    [item], [other] = ours.manifest.entries.values(), theirs.manifest.entries.values()
    assert item.to_json() == other.to_json()
    assert (item.local_path, item.size, item.skip_cache) == (str(file), 5, True)
    assert (other.local_path, other.size, other.skip_cache) == (str(file), 5, True)


_LOOKS_AT = """
import sys
from contextlib import nullcontext
from wandb.sdk.data_types.utils import val_to_json
from mfwb.sink.client.process_wide import altered_wandb

with altered_wandb() if sys.argv[1] == "alone" else nullcontext():
    assert val_to_json(None, "key", [1, 2], namespace="summary") == [1, 2]
print("pandas" in sys.modules)
"""


@pytest.mark.parametrize(("how", "is_imported"), [("alone", "False"), ("as it is", "True")])
def test_pandas_is_left_alone(sandbox: Sandbox, how: str, is_imported: str) -> None:
    """It takes a second to import; the day that wandb does not, ours is of no use any more."""
    reported = sandbox.run(sys.executable, "-c", _LOOKS_AT, how)

    assert reported.out.strip() == is_imported, reported.err


_COMMITS = """
import sys
import wandb
from mfwb.sink.client.private import log_artifact_with_aliases
from mfwb.sink.client.version_reads import VersionReads, commit_versions
from mfwb.sink.setup.quiet_settings import replay_settings
from mfwb.sink.setup.run_settings import run_settings

run = wandb.init(
    project="p", entity="acme", id="producer", dir=sys.argv[1], reinit="create_new",
    settings=run_settings({}, {**replay_settings(60.0), "mode": "online"}),
)
reads, drafts = VersionReads(wandb.Api()), []
for content in ("a", "b"):
    draft = wandb.Artifact("made", type="dataset")
    with draft.new_file("x.txt") as file:
        file.write(content)
    log_artifact_with_aliases(run, draft, [content], reads=reads, commit=False)
    draft.wait()
    assert draft.state == "PENDING", draft.state
    drafts.append(draft)
api = wandb.Api()
versions = commit_versions(api, "acme/p", drafts[::-1])
for version in versions:
    read = api.artifact(f"acme/p/{version.name}")
    for name in ("id", "name", "version", "type", "digest", "size", "metadata", "aliases", "state",
                 "entity", "project", "source_name", "created_at", "file_count"):
        assert getattr(version, name) == getattr(read, name), name
again = wandb.Artifact("made", type="dataset")
with again.new_file("x.txt") as file:
    file.write("a")
log_artifact_with_aliases(run, again, ["c"], reads=reads, commit=False)
again.wait()
run.finish()
print([version.version for version in versions], again.state, again.version)
"""


def test_a_version_gets_its_number_when_it_is_committed(tmp_path: Path) -> None:
    """In the order of the commits, and with the aliases; content that exists needs no commit.

    The answer to the commit is the version as W&B's SDK reads it.
    """
    with WandbServer() as server:
        reported = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        done = Sandbox(tmp_path, reported).python(_COMMITS, str(tmp_path))
        assert done.code == 0, done.err
        versions = server.state.artifacts("acme/p")

    assert done.out.splitlines()[-1] == "['v0', 'v1'] COMMITTED v1"
    assert sorted((version.version, version.aliases) for version in versions) == [
        ("v0", ("b",)),
        ("v1", ("a", "c")),
    ]


_READS_TOGETHER = """
import sys
import wandb
from concurrent.futures import ThreadPoolExecutor
from mfwb.sink.client.private import log_artifact_with_aliases
from mfwb.sink.client.version_reads import VersionReads
from mfwb.sink.setup.quiet_settings import replay_settings
from mfwb.sink.setup.run_settings import run_settings

run = wandb.init(
    project="p", entity="acme", id="producer", dir=sys.argv[1], reinit="create_new",
    settings=run_settings({}, {**replay_settings(60.0), "mode": "online"}),
)
reads, drafts = VersionReads(wandb.Api()), []
for number in range(6):
    draft = wandb.Artifact(f"made{number}", type="dataset")
    with draft.new_file("x.txt") as file:
        file.write(str(number))
    log_artifact_with_aliases(run, draft, ["mine"], reads=reads)
    drafts.append(draft)
for draft in drafts:
    draft._save_handle.wait_or(timeout=60)
with ThreadPoolExecutor(6) as pool:
    list(pool.map(lambda draft: draft.wait(), drafts))
run.finish()
print([(draft.name, draft.version, draft.aliases, draft.state) for draft in drafts])
"""


def test_versions_are_read_together(tmp_path: Path) -> None:
    """Each artifact has its own version, by W&B's own query; none asks for its type or the user."""
    with WandbServer() as server:
        server.latency = 0.1
        reported = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        done = Sandbox(tmp_path, reported).python(_READS_TOGETHER, str(tmp_path))
        assert done.code == 0, done.err
        requests = Counter(request.operation for request in server.requests)

    read = [(f"made{number}:v0", "v0", ["mine"], "COMMITTED") for number in range(6)]
    assert done.out.splitlines()[-1] == str(read)
    assert requests["ArtifactByID"] < 6
    assert requests["ArtifactType"] == 0


_SETS_UP = """
from wandb.sdk import wandb_setup
from mfwb.sink.client.process_wide import altered_wandb

with altered_wandb(), wandb_setup._singleton_lock:
    print(wandb_setup.singleton() is not None)
"""


def test_setup_does_not_wait_for_itself(sandbox: Sandbox) -> None:
    """What reports that wandb-core can't start asks for the singleton that is being set up."""
    reported = sandbox.python(_SETS_UP)

    assert reported.out.strip() == "True", reported.err


@pytest.mark.parametrize("name", ["wandb", ".wandb"])
@pytest.mark.parametrize("variable", ["", "elsewhere"])
def test_the_settings_file_of_a_folder(sandbox: Sandbox, name: str, variable: str) -> None:
    """The SDK takes it from the current folder, whatever WANDB_DIR says; we find the same one."""
    for other in ("wandb", name):
        file = sandbox.root / other / "settings"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"[default]\nproject = of-{other}\n", encoding="utf-8")
    program = "import wandb; print(wandb.setup().settings.project)"
    folder = {"WANDB_DIR": str(sandbox.root / variable)} if variable else {}

    done = sandbox.python(program, WANDB_SILENT="true", **folder)
    result = find_wandb_file(sandbox.root)

    assert done.out.strip() == f"of-{name}", done.err
    assert result is not None
    assert result.values == {"project": f"of-{name}"}


def test_harmless_settings_are_settings() -> None:
    """A field that wandb has no more could be another one's name some day."""
    assert set(HARMLESS_OF_WANDB) <= set(wandb.Settings.model_fields)
