"""Metadata of a flow run in config and summary."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mfwb.planning.run_metadata import (
    describe_flow_run,
    describe_origin,
    describe_outcome,
    describe_tasks,
    timestamp,
)
from mfwb.snapshot import Datastore, Failure, Step, TaskState
from tests.support.flow_runs import flow_run, parameter, task, tried

GIT = {"repo_url": "https://ada:s3cret@example.org/repo.git", "commit_sha": "abc123"}


def test_flow_run() -> None:
    """What all W&B runs of a flow run share: who, when, from where; constants too."""
    run = flow_run(
        doc="Learns.",
        tags=("good",),
        system_tags=("user:ada",),
        parameters=(parameter("alpha", 0.5), parameter("LIMIT", 3, "constant")),
    )

    assert describe_flow_run(run) == {
        "flow": "DemoFlow",
        "run_id": "7",
        "flow_run": "DemoFlow/7",
        "doc": "Learns.",
        "state": "finished",
        "user": "ada",
        "provider": "local@/data",
        "created_at": "2023-11-14T22:13:20.000Z",
        "finished_at": "2023-11-14T22:14:20.000Z",
        "tags": ["good"],
        "system_tags": ["user:ada"],
        "constants": {"LIMIT": 3},
    }


class _Compared(str):
    """A text that counts how often it is compared."""

    __slots__ = ()
    times = 0

    def __eq__(self, other: object) -> bool:
        _Compared.times += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_facts_that_differ_in_each_task() -> None:
    """They are told apart without comparing each with each, and documents by what they say."""
    names = [{"aws-batch-job-id": _Compared(f"job-{n}")} for n in range(2_000)]
    documents = [{"git-info": f'{{"a": 1, "b": {n % 2}}}'} for n in range(4)]
    tasks = [task(f"a/{n}", metadata=item) for n, item in enumerate([*names, *documents])]

    before = _Compared.times
    facts = describe_tasks(Step("a", ()), tasks)

    assert _Compared.times - before < 10 * len(tasks)
    assert facts["aws_batch_job_id"] == [f"job-{n}" for n in range(2_000)]
    assert facts["git"] == [{"a": 1, "b": 0}, {"a": 1, "b": 1}]


def test_a_document_nested_without_end() -> None:
    """It is shown as the text that it is."""
    for text in ("[" * 100_000, "[" * 500 + "]" * 500):
        facts = describe_tasks(Step("a", ()), [task("a/1", metadata={"git-info": text})])

        assert facts["git"] == text


def test_what_is_not_known_is_left_out() -> None:
    """Nothing is said where nothing is known; a constant of 0 is known."""
    run = flow_run(user=None, finished_at=None, parameters=(parameter("ZERO", 0, "constant"),))

    assert describe_flow_run(run) == {
        "flow": "DemoFlow",
        "run_id": "7",
        "flow_run": "DemoFlow/7",
        "state": "finished",
        "provider": "local@/data",
        "created_at": "2023-11-14T22:13:20.000Z",
        "constants": {"ZERO": 0},
    }


def test_tasks() -> None:
    """Of a step: its type and doc, its tasks, times from the first to the last, and origins."""
    tasks = (
        task(
            "work/2",
            attempts=(tried(2_000, 3_000),),
            datastore=Datastore("s3", "s3://b/x"),
            origin="DemoFlow/6/work/9",
            metadata={"user": "ada", "python_version": "3.11"},
        ),
        task(
            "work/3",
            attempts=(tried(1_000, 2_500),),
            datastore=Datastore("s3", "s3://b/x"),
            metadata={"user": "bob", "python_version": "3.11"},
        ),
    )

    assert describe_tasks(Step("work", tasks, "linear", "Works."), tasks) == {
        "step": "work",
        "step_type": "linear",
        "step_doc": "Works.",
        "tasks": ["DemoFlow/7/work/2", "DemoFlow/7/work/3"],
        "datastore": ["s3@s3://b/x"],
        "started_at": "1970-01-01T00:00:01.000Z",
        "ended_at": "1970-01-01T00:00:03.000Z",
        "cloned_from": ["DemoFlow/6/work/9"],
        "user": ["ada", "bob"],
        "python_version": "3.11",
    }


def test_failures_and_earlier_attempts() -> None:
    """An exception is told with its task; so are those of attempts that were tried again."""
    broken = Failure("ValueError", "no", "Traceback ...")
    tasks = (
        task(
            "work/2",
            state=TaskState.FAILED,
            failure=broken,
            attempts=(
                tried(1_000, 2_000, ok=False, failure=broken),
                tried(3_000, 4_000, ok=False, number=1),
            ),
        ),
    )
    result = describe_tasks(Step("work", tasks), tasks)

    assert result["failures"] == [
        {"task": "DemoFlow/7/work/2", "type": "ValueError", "message": "no"}
    ]
    assert result["earlier_attempts"] == [
        {
            "task": "DemoFlow/7/work/2",
            "attempt": 0,
            "started_at": "1970-01-01T00:00:01.000Z",
            "ended_at": "1970-01-01T00:00:02.000Z",
            "exception": "no",
        }
    ]


def test_documents_are_opened() -> None:
    """Metadata that is JSON becomes structure, under a plain name."""
    tasks = (
        task("work/2", metadata={"execution-triggers": '[{"flow": "A"}]', "code-package": "{bad"}),
    )
    result = describe_tasks(Step("work", tasks), tasks)

    assert result["trigger"] == [{"flow": "A"}]
    assert result["code_package"] == "{bad"


def test_no_password_in_the_url_of_a_repository() -> None:
    """A token that a CI system put into the repository's URL goes nowhere."""
    tasks = (task("work/2", metadata={"git-info": json.dumps(GIT)}),)
    result = describe_tasks(Step("work", tasks), tasks)

    assert result["git"] == {"repo_url": "https://example.org/repo.git", "commit_sha": "abc123"}
    assert "s3cret" not in json.dumps([result, describe_origin(tasks[0])])


@pytest.mark.parametrize(
    "url", ["git@example.org:me/repo.git", "https://example.org:8443/repo", "/srv/repo", ""]
)
def test_other_urls_stay(url: str) -> None:
    """A URL without a password stays as it is."""
    tasks = (task("work/2", metadata={"git-info": json.dumps({"repo_url": url})}),)

    assert describe_tasks(Step("work", tasks), tasks)["git"] == {"repo_url": url}


@pytest.mark.parametrize("text", ["null", "[]", '"main"', "{bad", '{"repo_url": "https://[x/"}'])
def test_git_facts_of_no_use(text: str) -> None:
    """Git facts in a form that nobody expects don't keep a flow run from being synced."""
    odd = task("work/2", metadata={"git-info": text, "script-name": "flow.py"})

    assert describe_tasks(Step("work", (odd,)), (odd,))["script_name"] == "flow.py"
    assert describe_origin(odd)["program"] == "flow.py"


def test_origin() -> None:
    """W&B's own fields name the flow's script and commit; the host is never this machine."""
    local = task("work/2", metadata={"script-name": "flow.py", "git-info": json.dumps(GIT)})
    remote = task("work/2", metadata={"kubernetes-pod-name": "pod-1"})

    assert describe_origin(local) == {
        "host": "",
        "program": "flow.py",
        "git_commit": "abc123",
        "git_remote_url": "https://example.org/repo.git",
    }
    assert describe_origin(remote) == {"host": "pod-1"}


def test_outcome() -> None:
    """The summary says when and how long, how many tasks ended how, and the first exception."""
    tasks = [
        task("work/2", attempts=(tried(1_000, 2_000),)),
        task(
            "work/3",
            state=TaskState.FAILED,
            failure=Failure("ValueError", "no", "Traceback ..."),
            attempts=(tried(1_500, 4_000, ok=False),),
        ),
        task("work/4"),
    ]

    assert describe_outcome(tasks, 3.0) == {
        "started_at": "1970-01-01T00:00:01.000Z",
        "ended_at": "1970-01-01T00:00:04.000Z",
        "duration_seconds": 3.0,
        "tasks": {"ok": 2, "failed": 1},
        "exception": "ValueError: no",
        "stacktrace": "Traceback ...",
    }


def test_outcome_of_no_time_at_all() -> None:
    """A duration of zero is said; one that is not known is not."""
    assert describe_outcome([task("work/2")], 0.0)["duration_seconds"] == 0.0
    assert "duration_seconds" not in describe_outcome([task("work/2")], None)


def test_timestamps_sort_as_text() -> None:
    """Times are UTC, to the millisecond, all of one length."""
    assert timestamp(1_700_000_000_000) == "2023-11-14T22:13:20.000Z"
    assert timestamp(1_700_000_000_001) == "2023-11-14T22:13:20.001Z"
    assert timestamp(None) is None


def test_what_triggered_it() -> None:
    """A flow run that another one's end started names it, whatever else triggered it."""
    events = [
        {"type": "run", "id": "TrainFlow/argo-1/end/9", "name": "metaflow.TrainFlow.end"},
        {"type": "run", "id": "TrainFlow/argo-1/end/9", "name": "metaflow.TrainFlow.finish"},
        {"type": "event", "id": "x", "name": "new_data"},
    ]
    triggered = task("start/1", metadata={"execution-triggers": json.dumps(events)})
    odd = task("start/1", metadata={"execution-triggers": "no json"})

    assert describe_flow_run(flow_run(triggered))["triggered_by"] == ["TrainFlow/argo-1"]
    assert "triggered_by" not in describe_flow_run(flow_run(odd))
    assert "triggered_by" not in describe_flow_run(flow_run(task("start/1")))


def test_times() -> None:
    """A moment that no calendar has is none."""
    odd: list[Any] = [10**20, -(10**20), 2**63]
    assert [timestamp(item) for item in odd] == [None, None, None]
