"""W&B runs whose small artifacts are inspected and converted together: nothing else differs."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mfwb.conversion.inspector_child import Answer, Inspection, inspect_here
from mfwb.files.content_store import Store
from mfwb.isolation.forkserver import Forkserver
from mfwb.payload import PayloadBuilder
from mfwb.payload.conversion_cache import ConversionCache
from mfwb.payload.files import FileBuilder
from mfwb.payload.read_ahead import ReadAhead
from mfwb.planning import Content, Form, Plan, PlannedRun, WandbRunId
from mfwb.ports import ReadyRun
from mfwb.redaction import Masker
from mfwb.snapshot.pathspec import FlowRunId
from tests.unit.payload.memory import MemoryContents, gone, output, planned_file, planned_run

TASKS = 5


def run_of(number: int, contents: MemoryContents, **more: Any) -> PlannedRun:
    """Return the W&B run of one task: a value, an array and a pickle."""
    task = f"Flow/1/train/{number}"
    array = contents.add(np.arange(number + 1), "array", task)
    model = contents.add({"of": complex(number)}, "model", task)
    value = contents.add(number / 3, "score", task)
    contents.logs[task] = []
    run = planned_run(
        values={"score": [value]},
        outputs=[
            output(planned_file(array, Form.ARRAY, "array"), name="array"),
            output(planned_file(model, Form.PICKLE, "model"), name="model"),
        ],
        **more,
    )
    return replace(run, id=WandbRunId(f"run-{number}"), name=f"train/{number}")


def plan_of(runs: Sequence[PlannedRun]) -> Plan:
    """Return the plan of W&B runs."""
    source = FlowRunId("Flow/1", "local@/x", 0)
    return Plan("Flow/1", source, None, "flow", "Flow/1", tuple(runs))


def described(ready: ReadyRun, folder: Path) -> tuple[Any, ...]:
    """Return all that a W&B run gets, with the bytes of its files."""
    files = [
        (artifact.planned.name, file.path, file.local.read_bytes(), file.size)
        for artifact in ready.artifacts
        for file in artifact.files
        if file.local is not None and file.local.is_relative_to(folder)
    ]
    described = [(artifact.metadata, artifact.description) for artifact in ready.artifacts]
    return ready.summary, ready.losses, ready.masked, files, described


@pytest.fixture
def apart(tmp_path: Path, forkserver: Forkserver) -> PayloadBuilder:
    """Return a builder that knows no plan, so that each W&B run is alone."""
    return PayloadBuilder(tmp_path / "apart", keep=True, forkservers={False: forkserver})


def test_all_is_as_if_alone(builder: PayloadBuilder, apart: PayloadBuilder, tmp_path: Path) -> None:
    """Values, files and descriptions are those of a W&B run without others."""
    contents = MemoryContents()
    runs = [run_of(number, contents) for number in range(TASKS)]
    builder.prestart(plan_of(runs))

    together = [builder.prepare(run, contents) for run in runs]

    alone = [apart.prepare(run, contents) for run in runs]
    for one, other in zip(together, alone, strict=True):
        assert described(one, tmp_path / "payloads") == described(other, tmp_path / "apart")
    assert [ready.summary["score"] for ready in together] == [number / 3 for number in range(TASKS)]
    assert together[-1].artifacts[0].files[0].path == "array.npy"


def test_what_is_wrong_with_one(builder: PayloadBuilder, apart: PayloadBuilder) -> None:
    """A pickle that is no array, and bytes that are gone, are losses of their own W&B run."""
    contents = MemoryContents()
    runs = [run_of(number, contents) for number in range(TASKS)]
    odd = contents.add("no array", "array", "Flow/1/train/1")
    runs[1] = replace(
        runs[1], outputs=(output(planned_file(odd, Form.ARRAY, "array"), name="array"),)
    )
    lost = gone("array", "Flow/1/train/2")
    runs[2] = replace(
        runs[2], outputs=(output(planned_file(lost, Form.ARRAY, "array"), name="array"),)
    )
    lost_value = replace(runs[3].values[0], contents=(gone("score", "Flow/1/train/3"),))
    runs[3] = replace(runs[3], values=(lost_value,))
    builder.prestart(plan_of(runs))

    ready = [builder.prepare(run, contents) for run in runs]

    alone = [apart.prepare(run, contents) for run in runs]
    assert [of.losses for of in ready] == [of.losses for of in alone]
    assert [len(of.losses) for of in ready] == [0, 0, 1, 1, 0]
    assert [[file.path for file in of.artifacts[0].files] for of in ready if of.artifacts] == [
        ["array.npy"],
        ["array.pkl"],
        ["array.npy"],
        ["array.npy"],
    ]


def test_few_requests(tmp_path: Path) -> None:
    """One request for each kind of inspection serves all W&B runs."""
    contents = MemoryContents()
    runs = [run_of(number, contents) for number in range(TASKS)]
    asked: list[tuple[Inspection, int]] = []

    def inspect(flow_run: str, look: Inspection, pickled: Sequence[bytes]) -> list[Answer]:
        asked.append((look, len(pickled)))
        return inspect_here(flow_run, look, pickled)

    store = Store(tmp_path)
    cache = ConversionCache(store)
    read_ahead = ReadAhead(inspect, FileBuilder(store, cache, Masker()))
    read_ahead.add(plan_of([replace(run, outputs=run.outputs[1:]) for run in runs]))

    for run in runs:
        inspections = read_ahead.prepare(run, contents)
        wanted = [content for value in run.values for content in value.contents]
        [(_, (value, _))] = inspections.of(Inspection.VALUE, wanted)
        assert value == (int(run.id[-1]) / 3, False)

    assert sorted(asked) == [(Inspection.NAMES, TASKS), (Inspection.VALUE, TASKS)]
    cache.close()


def test_large_ones_are_on_their_own(tmp_path: Path) -> None:
    """W&B runs with many bytes are not inspected before their turn: that would take memory."""
    contents = MemoryContents()
    large = [contents.add("x" * 700_000 + str(number), "text") for number in range(3)]
    runs = [
        replace(planned_run(values={"text": [content]}), id=WandbRunId(f"run-{number}"))
        for number, content in enumerate(large)
    ]
    store = Store(tmp_path)
    cache = ConversionCache(store)
    read_ahead = ReadAhead(inspect_here, FileBuilder(store, cache, Masker()))
    read_ahead.add(plan_of(runs))

    read_ahead.prepare(runs[0], contents)

    assert contents.batches == []
    cache.close()


def test_a_forgotten_one(tmp_path: Path) -> None:
    """After its release, a W&B run is inspected as one without a plan."""
    contents = MemoryContents()
    runs = [run_of(number, contents) for number in range(2)]
    store = Store(tmp_path)
    cache = ConversionCache(store)
    read_ahead = ReadAhead(inspect_here, FileBuilder(store, cache, Masker()))
    read_ahead.add(plan_of([replace(run, outputs=()) for run in runs]))
    read_ahead.prepare(runs[0], contents)
    for run in runs:
        read_ahead.release(run)
    before = len(contents.batches)

    value: Content = runs[0].values[0].contents[0]
    answers = dict(read_ahead.prepare(runs[0], contents).of(Inspection.VALUE, [value]))

    assert answers == {value: ((0.0, False), None)}
    assert len(contents.batches) == before + 1
    assert pickle.loads(contents.blobs[value.sha1]) == 0
    cache.close()
