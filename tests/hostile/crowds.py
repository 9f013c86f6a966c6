"""Many of something, each small or shared: what costs more than what lies there must be bounded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.hostile import opcodes
from tests.hostile.case import attack
from tests.hostile.scene import Scene
from tests.hostile.stored_run import StoredRun


def _card_records(run: StoredRun) -> list[Path]:
    result = run.task("start").rglob("sysmeta_*.json")
    return [path for path in result if '"card-info"' in path.read_text(encoding="utf-8")]


@attack("12", ends="failed")
def tasks_of_many_parents(run: StoredRun, _: Scene) -> None:
    """Each of 1,000 tasks comes from all of 1,000 others."""
    run.multiply("middle", 1_000)
    run.multiply("end", 1_000)


@attack("12")
def tasks_of_odd_facts(run: StoredRun, _: Scene) -> None:
    """3,000 tasks of a step each ran in a job of another name."""
    for number, task in enumerate(run.multiply("middle", 3_000)):
        run.note(task, "aws-batch-job-id", f"job-{number}")


def _failure(size: int) -> dict[str, str]:
    return {"type": "E", "message": "x" * size, "stacktrace": "y" * size}


@attack("12")
def tasks_that_failed_alike(run: StoredRun, _: Scene) -> None:
    """1,000 tasks failed with one and the same exception, whose message has 10 MB."""
    sha = run.put(opcodes.dumps(_failure(10_000_000)))

    def fail(document: dict[str, Any]) -> None:
        document["objects"]["_exception"] = sha
        document["objects"]["_task_ok"] = document["objects"]["_exception"]

    run.edit(run.facts("middle"), fail)
    run.say("middle", "attempt_ok", "False")
    run.multiply("middle", 1_000)


@attack("12")
def cards_that_are_one(run: StoredRun, _: Scene) -> None:
    """5,000 records name one card of 5 MB."""
    [card] = list(run.cards.rglob("*.html"))
    card.write_bytes(b"<p>xxxxx</p>\n" * 400_000)
    [record] = [
        p
        for p in run.task("start").rglob("sysmeta_*.json")
        if '"card-info"' in p.read_text(encoding="utf-8")
    ]
    for number in range(5_000):
        document = json.loads(record.read_text(encoding="utf-8"))
        document["field_name"] = f"x{number}"
        record.with_name(f"sysmeta_x{number}_1.json").write_text(
            json.dumps(document), encoding="utf-8"
        )


@attack("12", explain="start/x0")
def values_without_sizes(run: StoredRun, _: Scene) -> None:
    """12 small values, whose sizes are not recorded, have 60 MB each."""
    for number in range(12):
        pickled = opcodes.PROTO + opcodes.text(f"{number}" + "x" * 60_000_000) + b"."
        run.add(f"x{number}", pickled, "<class 'int'>", steps=("start",))

    def forget(document: dict[str, Any]) -> None:
        for number in range(12):
            document["info"][f"x{number}"]["size"] = 0

    run.edit(run.facts("start"), forget)


@attack("12")
def records_of_4_kb(run: StoredRun, _: Scene) -> None:
    """A task has 60,000 records of metadata of 4 kB each."""
    [sample] = run.metadata("start", "attempt-done")
    document = json.loads(sample.read_text(encoding="utf-8"))
    for number in range(60_000):
        document |= {"field_name": f"x{number}", "type": "x", "value": "y" * 4_000}
        sample.with_name(f"sysmeta_x{number}_1.json").write_text(
            json.dumps(document), encoding="utf-8"
        )


@attack("12")
def facts_of_900_kb(run: StoredRun, _: Scene) -> None:
    """Each fact of a task that goes into W&B's config has 900 kB, in each task another one."""
    names = (
        "user",
        "runtime",
        "python_version",
        "script-name",
        "git-info",
        "aws-batch-job-id",
        "kubernetes-pod-name",
        "argo-workflow-name",
        "airflow-dag-run-id",
    )
    for step in ("start", "middle", "end"):
        for name in names:
            run.say(step, name, step + "x" * 900_000)


@attack("12")
def docs_of_10_mb(run: StoredRun, _: Scene) -> None:
    """The flow and its steps have documentation of 3 MB."""
    graph = run.graph()
    graph["doc"] = "x" * 3_000_000
    for step in graph["steps"].values():
        step["doc"] = "y" * 3_000_000
    run.set_graph(graph)


@attack("12")
def many_tags(run: StoredRun, _: Scene) -> None:
    """The flow run has 9,000 tags."""
    run.merge(
        run.folder / "_meta" / "_self.json", {"tags": [f"t{n}" + "x" * 80 for n in range(9_000)]}
    )


@attack("12")
def far_indexes(run: StoredRun, _: Scene) -> None:
    """The places of tasks in a foreach are 10**15, and negative."""
    tasks = run.multiply("middle", 4)
    for task, index in zip(tasks, (10**15, 2**62, 10**9, 5), strict=True):
        frame = opcodes.dumps([["middle", "x", 10**16, index]])
        sha = run.put(frame)
        path = task / "0.data.json"
        document = json.loads(path.read_text(encoding="utf-8"))
        document["objects"]["_foreach_stack"] = sha
        path.write_text(json.dumps(document), encoding="utf-8")


@attack("12")
def alike_values_in_many_tasks(run: StoredRun, _: Scene) -> None:
    """1,000 tasks share values of 1 MB."""
    run.replace("values", opcodes.dumps({"a": ["x" * 1000] * 1000, "b": 1}), steps=("middle",))
    run.replace("kept", opcodes.dumps(["x" * 990_000]), steps=("middle",))
    run.replace(
        "number",
        opcodes.PROTO + opcodes.text("n" * 990_000) + b".",
        "<class 'str'>",
        steps=("middle",),
    )
    run.multiply("middle", 1_000)
