"""What mfwb touches of Metaflow that is not public: fails when Metaflow changes it."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mfwb.settings_files import find_metaflow_file
from tests.conftest import Resumed
from tests.support.sandbox import Sandbox
from tests.support.versions import since

FlowRuns = Callable[[str], str]

_PROBE = """
import json, pickle, sys
import metaflow
from metaflow.datastore import FlowDataStore
from metaflow.plugins import DATASTORES
from metaflow.plugins.cards.exception import CardNotPresentException
from metaflow.plugins.metadata_providers.service import ServiceException
from metaflow.cards import get_cards

metaflow.namespace(None)
root, pathspec = sys.argv[1:]
metaflow.metadata(f"local@{root}")
run = metaflow.Run(pathspec)
task = run["each"].task
hidden = run["_parameters"].task
local = next(kind for kind in DATASTORES if kind.TYPE == "local")
store = FlowDataStore(
    run.path_components[0], environment=None, storage_impl=local, ds_root=f"{root}/.metaflow"
)
path = store._storage_impl.path_join(*task.path_components, "0.data.json")
with store._storage_impl.load_bytes([path, "no/such/path"]) as loaded:
    read = {name: (local, meta) for name, local, meta in loaded}
try:
    list(get_cards(task))
    cards = "some"
except CardNotPresentException:
    cards = "none"
print(json.dumps({
    "types": sorted(kind.TYPE for kind in DATASTORES),
    "facts": json.load(open(read[path][0])),
    "missing": read["no/such/path"],
    "run": sorted(run._object),
    "task": sorted(task._object),
    "hidden": next(iter(hidden))._object,
    "metadata": sorted({m.name for m in task.metadata}),
    "log": [[str(moment), text] for moment, text in task.loglines(
        "stdout", meta_dict={"ds-type": "local", "ds-root": f"{root}/.metaflow", "attempt": "0"})],
    "cards": cards,
    "service_error": ServiceException("x", http_code=503).http_code,
    "provider": metaflow.get_metadata(),
    "pickled_frame": pickle.loads(next(iter(store.ca_store.load_blobs(
        [task["_foreach_stack"].sha])))[1])[0]._asdict(),
}))
"""


@pytest.fixture(scope="module")
def probe(
    flow_run: FlowRuns, flows_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Return what a program finds that uses Metaflow as `mfwb.source` does."""
    pathspec = flow_run("fan_flow")
    sandbox = Sandbox(tmp_path_factory.mktemp("probe"))
    done = sandbox.python(_PROBE, str(flows_root), pathspec)
    assert done.code == 0, done.err
    return dict(json.loads(done.out))


def test_datastores_have_types(probe: dict[str, Any]) -> None:
    """Storage implementations are told apart by TYPE."""
    assert {"local", "s3", "gs", "azure"} <= set(probe["types"])


@since("metaflow", "2.19.35", "it says who made the pickle, and says no more that it is gzipped")
def test_attempts_record_sha_type_size_and_encoding(probe: dict[str, Any]) -> None:
    """`<attempt>.data.json` has what mfwb must not unpickle to learn."""
    facts = probe["facts"]

    assert facts["info"]["score"] == {
        "size": 5,
        "type": "<class 'int'>",
        "encoding": "pickle-v4",
        "serializer_info": {"source": "metaflow"},
    }
    assert len(facts["objects"]["score"]) == 40


def test_a_missing_path_is_said(probe: dict[str, Any]) -> None:
    """What is not there comes as None rather than as an error."""
    assert probe["missing"] == [None, None]


def test_blobs_are_gzipped_and_named_by_sha1(probe: dict[str, Any], flows_root: Path) -> None:
    """An artifact's blob holds, gzipped, bytes with the recorded sha1."""
    sha = probe["facts"]["objects"]["part"]
    data = gzip.decompress(
        (flows_root / ".metaflow" / "FanFlow" / "data" / sha[:2] / sha).read_bytes()
    )

    assert hashlib.sha1(data, usedforsecurity=False).hexdigest() == sha
    assert len(data) == probe["facts"]["info"]["part"]["size"]


def test_records_hold_epochs_and_locations(probe: dict[str, Any]) -> None:
    """Raw records have epoch milliseconds, the user, and where an artifact lies."""
    assert {"ts_epoch", "user_name"} <= set(probe["run"])
    assert "ts_epoch" in probe["task"]
    assert probe["hidden"]["ds_type"] == "local"
    assert probe["hidden"]["location"].startswith(":root:")


def test_metadata_names(probe: dict[str, Any]) -> None:
    """Tasks say by these names how their attempts went and where their bytes are."""
    assert {"attempt", "attempt-done", "attempt_ok", "ds-type", "ds-root"} <= set(probe["metadata"])


def test_logs_take_metadata_from_outside(probe: dict[str, Any]) -> None:
    """`loglines` does not ask the provider again if it is told what it needs."""
    [[moment, text]] = probe["log"]

    assert text.startswith("working on")
    assert moment[:2] == "20"


def test_frames_carry_the_first_step_inside(probe: dict[str, Any]) -> None:
    """A foreach frame names the first step inside the foreach, not the one that opened it."""
    frame = probe["pickled_frame"]

    assert (frame["step"], frame["var"], frame["num_splits"]) == ("each", "items", 3)


def test_errors_have_their_codes(probe: dict[str, Any]) -> None:
    """A service error carries the status, and a task without cards has an error of its own."""
    assert probe["service_error"] == 503
    assert probe["cards"] == "none"
    assert probe["provider"].startswith("local@")


def test_the_settings_file_of_a_folder(sandbox: Sandbox) -> None:
    """Metaflow takes that of the first `.metaflow` here or above; we find the same one."""
    folder = sandbox.root / "a" / "b"
    folder.mkdir(parents=True)
    program = "import metaflow.metaflow_config as c; print(c.SERVICE_URL, c.SERVICE_HEADERS)"
    program = f"import os; os.chdir({str(folder)!r}); {program}"
    reported = []
    for location in (sandbox.root, folder):
        (location / ".metaflow").mkdir()
        config = json.dumps({"METAFLOW_SERVICE_URL": f"http://{location.name}.example"})
        (location / ".metaflow" / "config.json").write_text(config, encoding="utf-8")
        done = sandbox.python(program, METAFLOW_SERVICE_AUTH_KEY="k")
        reported.append(done.out.strip())
        result = find_metaflow_file(folder)
        assert result is not None
        assert reported[-1] == f"{result.values['METAFLOW_SERVICE_URL']} {{'x-api-key': 'k'}}"

    assert reported[-1].startswith("http://b.example")


_RETRIES = """
import requests
from metaflow.plugins.metadata_providers import service
provider, asked = service.ServiceMetadataProvider, []
def get(url, **_):
    if url.endswith("/ping"):
        response = requests.Response()
        response.status_code = 200
        return response
    asked.append(url)
    raise requests.ConnectionError("no")
provider._session.get = get
provider.INFO = "http://127.0.0.1:9"
service.SERVICE_RETRY_COUNT = 1
try:
    provider._request(None, "/flows/A", "GET")
except requests.ConnectionError as error:
    print(error, len(asked), *asked)
"""


def test_the_service_is_asked_by_a_session(sandbox: Sandbox) -> None:
    """Its `get` can be replaced; told to try once, Metaflow lets through what that raises."""
    reported = sandbox.python(_RETRIES)

    assert reported.out == "no 1 http://127.0.0.1:9/flows/A\n", reported.err


_SAME_ROWS = """
import json, sys
from pathlib import Path
import metaflow

from mfwb.source.local_provider import guard_local_provider
from mfwb.source.run_metadata import RunMetadata

metaflow.namespace(None)
root, pathspec = sys.argv[1:]
metaflow.metadata(f"local@{root}")
guard_local_provider(Path(root, ".metaflow").resolve(), ())
run = metaflow.Run(pathspec)
rows = RunMetadata(run)
tasks = [task for step in run for task in step]
names = ("name", "value", "type", "created_at")
print(json.dumps([
    [[row[name] for name in names] for row in rows.rows(task.path_components)]
    for task in tasks
]))
print(json.dumps([[[getattr(row, name) for name in names] for row in task.metadata]
    for task in tasks
]))
"""


def test_metadata_of_a_folder_is_that_of_the_client(resumed: Resumed, sandbox: Sandbox) -> None:
    """A folder of records that is read at once gives what the client gives, clones included."""
    for pathspec in (resumed.origin, resumed.pathspec):
        done = sandbox.python(_SAME_ROWS, str(resumed.root), pathspec)

        assert done.code == 0, done.err
        ours, client = map(json.loads, done.out.splitlines())
        assert ours == client
        assert all(ours)
