"""Requests to a metadata service: as few as it offers, and not more for more tasks."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pytest

from tests.conftest import Resumed
from tests.support.metadata_service import MetadataService
from tests.support.sandbox import Sandbox

MORE = pytest.mark.exhaustive
_RATIO = 3  # requests of a plain loop for each of mfwb's

_PLAIN = """
import sys
import metaflow

metaflow.namespace(None)
run = metaflow.Run(sys.argv[1])
facts = [run.tags, run.finished_at, run.successful]
for step in run:
    for task in step:
        facts.append((task.metadata_dict, task.tags, task.created_at))
        facts.append((task.finished_at, task.successful))
        facts += [(artifact.id, artifact.sha) for artifact in task]
facts += [(artifact.id, artifact.sha) for artifact in run["_parameters"].task]
"""
"""The facts that mfwb needs, by the client alone."""

_SAME = """
import sys
import metaflow
from mfwb.source.run_metadata import RunMetadata

metaflow.namespace(None)
run = metaflow.Run(sys.argv[1])
bulk = RunMetadata(run)
tasks = [*(task for step in run for task in step), run["_parameters"].task]


def described(rows):
    return sorted((row["name"], str(row["value"]), row["type"], row["created_at"]) for row in rows)


for task in tasks:
    ours = described(bulk.rows(task.path_components))
    assert ours == described([row._asdict() for row in task.metadata]), task
print(len(tasks))
"""


@pytest.fixture
def served(resumed: Resumed) -> Iterator[MetadataService]:
    """Return a metadata service that has a flow run, and one that resumed it."""
    with closing(MetadataService(resumed.root)) as service:
        yield service


@pytest.fixture
def caller(sandbox: Sandbox, resumed: Resumed, served: MetadataService) -> Sandbox:
    """Return a place for programs that ask this service."""
    variables = {
        "METAFLOW_DEFAULT_METADATA": "service",
        "METAFLOW_SERVICE_URL": served.url,
        "METAFLOW_SERVICE_RETRY_COUNT": "1",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(resumed.root),
    }
    return Sandbox(sandbox.root, variables)


@pytest.fixture
def requests_of(caller: Sandbox, served: MetadataService) -> Callable[..., list[str]]:
    """Return a function that runs mfwb and returns the paths of its requests."""

    def requests_of(*arguments: str) -> list[str]:
        served.requests.clear()
        done = caller.mfwb(*arguments)
        assert done.code == 0, done.err
        return list(served.requests)

    return requests_of


@pytest.mark.parametrize(
    "command",
    [
        ["plan", "{0}"],
        pytest.param(["lineage", "{0}"], marks=MORE),
        pytest.param(["report", "{0}", "--output", "report.html"], marks=MORE),
        ["sync", "{0}", "--mode", "offline", "--entity", "acme", "--dir", "bundle"],
        ["ls", "FanFlow", "--last", "1"],
    ],
)
def test_at_most_a_third(
    caller: Sandbox,
    served: MetadataService,
    resumed: Resumed,
    requests_of: Callable[..., list[str]],
    command: Sequence[str],
) -> None:
    """A flow run takes a third of the requests of a plain loop, or less, and none for a task."""
    served.requests.clear()
    assert caller.python(_PLAIN, resumed.origin).code == 0
    plain = len(served.requests)

    made = requests_of(*(word.format(resumed.origin) for word in command))

    assert _RATIO * len(made) <= plain
    of_tasks = [path for path in made if re.search(r"/tasks/[^/]+/", path)]
    assert [path for path in of_tasks if "/_parameters/" not in path] == []
    assert max(Counter(made).values()) == 1  # no question is asked twice


def test_nothing_new(requests_of: Callable[..., list[str]]) -> None:
    """A sync that finds nothing new takes two: the flow, and its runs."""
    sync = ("sync", "FanFlow", "--all", "--mode", "offline", "--entity", "acme", "--dir", "bundle")
    first = requests_of(*sync)
    again = requests_of(*sync)

    assert [re.sub(r".*/", "", path) for path in again] == ["FanFlow", "runs"]
    assert len(first) > len(again)


@pytest.mark.parametrize("which", ["origin", "pathspec"])
def test_it_is_what_the_client_gives(caller: Sandbox, resumed: Resumed, which: str) -> None:
    """The list of all tasks holds what each task's own list does; clones borrow the same."""
    done = caller.python(_SAME, getattr(resumed, which))

    assert done.code == 0, done.err
    assert int(done.out) > 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, "null"),
        pytest.param(405, "no", marks=MORE),
        pytest.param(413, "too long", marks=MORE),
        (500, "no"),
        (200, "[]"),
        pytest.param(200, '[{"step_name": "end"}]', marks=MORE),
        (200, '[{"step_name": "end", "task_id": 1, "field_name": [], "value": 1, "type": ""}]'),
    ],
)
def test_a_service_that_does_not_have_it(
    caller: Sandbox, served: MetadataService, resumed: Resumed, status: int, body: str
) -> None:
    """Each task is then read by itself, with the same result."""

    def planned() -> str:
        plan = caller.root / "plan.json"
        plan.unlink(missing_ok=True)
        done = caller.mfwb("plan", resumed.pathspec, "--entity", "acme", "--out", str(plan))
        assert done.code == 0, done.err
        [flow_run] = json.loads(plan.read_text(encoding="utf-8"))["flow_runs"]
        return str(flow_run["digest"])

    expected = planned()
    served.fail(r"/runs/[^/]+/metadata$", status=status, body=body, kind="application/json")
    served.requests.clear()

    assert planned() == expected
    assert sum(path.endswith("/metadata") for path in served.requests) > 2
