"""Inspection of pickles whose type is not specific enough."""

from __future__ import annotations

import enum
import pickle
from collections import OrderedDict
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
import pytest
from sklearn.svm import SVC

from mfwb.config import StepSettings
from mfwb.payload import batches
from mfwb.payload.batches import load_each
from mfwb.payload.type_inspection import WHOLE_LIMIT, inspect_types
from mfwb.planning import Content, Form
from mfwb.planning.classify import Classification, Kind, can_be_shown, classify
from mfwb.snapshot import ArtifactRef, FlowRun, FlowRunState, Step, Task, TaskState
from tests.torch.flow_run import DATA
from tests.torch.kinds import KINDS, LARGE
from tests.unit.payload.memory import TASK, MemoryContents, gone
from tests.unit.payload.torch_pickles import FACTS, every_pickle, looked_into


def ref(contents: MemoryContents, name: str, value: Any, **fields: Any) -> ArtifactRef:
    """Return an artifact that Metaflow would have recorded of a value."""
    content = contents.add(value, name)
    recorded = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    known = {"type": recorded, "encoding": "pickle-v4", **fields}
    return ArtifactRef(name, content.sha1, content.size, **known)


def flow_run(*tasks: list[ArtifactRef]) -> FlowRun:
    """Return a flow run of one step with these tasks."""
    return FlowRun(
        flow="Flow",
        id="1",
        state=FlowRunState.FINISHED,
        provider="local@/data",
        user=None,
        started_at=0,
        finished_at=None,
        tags=(),
        system_tags=(),
        parameters=(),
        steps=(
            Step(
                "train",
                tuple(
                    Task(f"Flow/1/train/{number}", TaskState.OK, artifacts=tuple(refs))
                    for number, refs in enumerate(tasks)
                ),
            ),
        ),
    )


def names_of(flow_run: FlowRun) -> dict[str, tuple[str, ...] | None]:
    """Return what was found in each artifact."""
    return {artifact.name: artifact.names for task in flow_run.tasks for artifact in task.artifacts}


def test_only_where_it_is_needed() -> None:
    """Containers and unknown types are looked into, and nothing else is loaded."""
    contents = MemoryContents()
    seen = flow_run(
        [
            ref(contents, "number", 1),
            ref(contents, "plain", {"a": 1}),
            ref(contents, "ordered", [OrderedDict()]),
            ref(contents, "mine", OrderedDict(a=1), type="mine.Thing"),
            ref(contents, "foreign", [2], encoding="json"),
            ref(contents, "damaged", [3]),
        ]
    )
    damaged = seen.steps[0].tasks[0].artifacts[5].sha1
    contents.blobs[damaged] = b"\x80\x04\x93"

    result = inspect_types(seen, contents)

    assert names_of(result) == {
        "number": None,
        "plain": (),
        "ordered": ("collections.OrderedDict",),
        "mine": ("collections.OrderedDict",),
        "foreign": None,
        "damaged": None,
    }
    assert contents.batches == [["plain", "ordered", "mine", "damaged"]]


class Net:
    """A class of the flow's own, with a part of a library's."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts


def test_what_the_look_is_good_for() -> None:
    """Objects of unknown classes and containers become what they hold."""
    contents = MemoryContents()
    seen = flow_run(
        [
            ref(contents, "net", Net(SVC())),
            ref(contents, "best", {"model": SVC(), "score": 0.9}),
            ref(contents, "parts", [pd.Series([1]), pd.DataFrame()]),
            ref(contents, "plain", Net(1)),
        ]
    )

    result = inspect_types(seen, contents)

    kinds = {
        artifact.name: classify(artifact).kind
        for task in result.tasks
        for artifact in task.artifacts
    }
    assert kinds == {
        "net": Kind.MODEL,
        "best": Kind.MODEL,
        "parts": Kind.DATASET,
        "plain": Kind.OTHER,
    }


def test_equal_bytes_are_loaded_once() -> None:
    """Many tasks with equal artifacts cost one load, and all of them get the names."""
    contents = MemoryContents()
    seen = flow_run(*([ref(contents, "x", [pd.DataFrame()])] for _ in range(50)))

    result = inspect_types(seen, contents)

    assert contents.batches == [["x"]]
    names = {task.artifacts[0].names for task in result.tasks}
    assert len(names) == 1
    assert any(name.endswith("DataFrame") for name in names.pop() or ())


def test_nothing_to_look_at() -> None:
    """A flow run whose types say enough is returned as it is."""
    contents = MemoryContents()
    seen = flow_run([ref(contents, "x", 1)])

    assert inspect_types(seen, contents) is seen
    assert contents.batches == []


def test_bounded_batches() -> None:
    """No more is loaded at a time than the limit, unless one alone is more."""
    contents = MemoryContents()
    wanted = [
        Content("Flow/1/a/1", str(number), contents.add(number).sha1, size)
        for number, size in enumerate([30, 30, 50, 200, 10])
    ]

    loaded = list(load_each([*wanted, *wanted], contents, limit=100))

    assert contents.batches == [["0", "1"], ["2"], ["3"], ["4"]]
    assert [pickle.loads(data or b"") for _, data in loaded] == [0, 1, 2, 3, 4]


def test_what_is_gone() -> None:
    """Bytes that can't be had are None."""
    assert list(load_each([gone()], MemoryContents())) == [(gone(), None)]


def test_what_has_no_size() -> None:
    """Of what nobody recorded the size, one is loaded at a time: each may have 32 MB."""
    contents = MemoryContents()
    wanted = [
        Content("Flow/1/a/1", str(n), contents.add(n).sha1, size)
        for n, size in enumerate([0, 0, 5, 0])
    ]

    list(load_each(wanted, contents, limit=100))

    assert contents.batches == [["0"], ["1"], ["2"], ["3"]]


def test_default_limit() -> None:
    """By default 64 MB are loaded at a time."""
    assert batches.BATCH_LIMIT == 64_000_000


class LargeNet:
    """Something of the flow's own that holds a part of a library, and many bytes behind it."""

    def __init__(self, part: Any, size: int) -> None:
        self.part = part
        self.weights = bytes(size)


def test_only_the_beginning_of_what_is_large() -> None:
    """The many bytes are not read; what the pickle says before them tells what it is."""
    contents = MemoryContents()
    seen = flow_run(
        [ref(contents, "net", LargeNet(SVC(), WHOLE_LIMIT)), ref(contents, "small", [SVC()])]
    )

    result = inspect_types(seen, contents)

    assert "sklearn.svm._classes.SVC" in (names_of(result)["net"] or ())
    assert classify(result.steps[0].tasks[0].artifacts[0]).kind is Kind.MODEL
    assert contents.heads == [("net", 2_000_000)]
    assert contents.batches == [["small"]]


def test_what_is_large_and_gone() -> None:
    """It will be a loss when it is wanted."""
    contents = MemoryContents()
    seen = flow_run([ref(contents, "net", LargeNet(None, WHOLE_LIMIT))])
    contents.blobs.clear()

    assert names_of(inspect_types(seen, contents)) == {"net": None}


# --- what decides on a value ------------------------------------------------------------------


class Colour(enum.Enum):
    """An enum, whose class writes itself as `<enum 'Colour'>`."""

    RED = 1


def looked(contents: MemoryContents, *refs: ArtifactRef) -> dict[str, ArtifactRef]:
    """Return artifacts after the look, by name."""
    [task] = inspect_types(flow_run([*refs]), contents).tasks
    return {artifact.name: artifact for artifact in task.artifacts}


def test_what_is_no_value() -> None:
    """What holds itself or is too deep can't be JSON, and so goes as a file, not as a loss."""
    contents = MemoryContents()
    itself: dict[str, Any] = {}
    itself["self"] = itself
    deep: list[Any] = []
    for _ in range(150):
        deep = [deep]
    shared = ["x"]

    result = looked(
        contents,
        ref(contents, "itself", itself),
        ref(contents, "deep", deep),
        ref(contents, "twice", [shared, shared]),
    )

    assert result["itself"].no_value == "it contains itself"
    assert result["deep"].no_value == "it is nested more than 100 levels deep"
    assert result["twice"].no_value == ""
    kinds = {name: classify(item).kind for name, item in result.items()}
    assert kinds == {"itself": Kind.OTHER, "deep": Kind.OTHER, "twice": Kind.VALUE}


def test_a_class_is_no_model() -> None:
    """A table of classes holds nothing that was made of them."""
    contents = MemoryContents()

    result = looked(
        contents,
        ref(contents, "classes", {"svc": SVC}),
        ref(contents, "fitted", {"svc": SVC()}),
        ref(contents, "kind", SVC, type="abc.ABCMeta"),
    )

    kinds = {name: classify(item).kind for name, item in result.items()}
    assert kinds == {"classes": Kind.OTHER, "fitted": Kind.MODEL, "kind": Kind.OTHER}


@pytest.mark.parametrize("recorded", ["<enum 'Colour'>", f"{__name__}.Colour"])
def test_the_users_word_on_an_enum(recorded: str) -> None:
    """Metaflow records how the class writes itself; settings call it by its qualified name."""
    contents = MemoryContents()
    settings = StepSettings(kinds=((f"{__name__}.Colour", "value"),))

    result = looked(contents, ref(contents, "colour", Colour.RED, type=recorded))["colour"]

    assert result.type == f"{__name__}.Colour"
    assert classify(result, settings).kind is Kind.VALUE
    classification = classify(result)
    assert classification.kind is Kind.OTHER
    assert can_be_shown(result, classification, StepSettings())


@pytest.mark.parametrize(
    ("path", "is_relative", "kind"),
    [
        ("models/run1", True, Kind.VALUE),
        ("/data/x.csv", False, Kind.DATASET),
        ("s3:/bucket/key", False, Kind.DATASET),
    ],
)
def test_paths(path: str, is_relative: bool, kind: Kind) -> None:  # noqa: FBT001
    """A relative path is a value: what it starts from is not known, and that is no file lost."""
    contents = MemoryContents()
    recorded = ref(contents, "path", PurePosixPath(path), type="pathlib.PosixPath")

    result = looked(contents, recorded)["path"]

    assert result.is_relative is is_relative
    assert classify(result).kind is kind


def test_sizes_where_there_are_many() -> None:
    """Values that may be too many for a summary are measured; few are not loaded for that."""
    contents = MemoryContents()
    texts = [
        ref(contents, f"text{number}", "\u00e9" * 40_000 + str(number)) for number in range(15)
    ]

    assert {item.characters for item in looked(contents, *texts[:5]).values()} == {None}
    sizes = {item.characters for item in looked(contents, *texts).values()}
    assert sizes == {40_000 * 6 + 3, 40_000 * 6 + 4}


@pytest.fixture
def contents() -> MemoryContents:
    """Return contents in which the task printed nothing."""
    result = MemoryContents()
    result.logs[TASK] = []
    return result


def test_all_but_the_large_one_are_kept() -> None:
    """A pickle for each, and no other."""
    kept = {file.stem for file in DATA.glob("*.pkl")}
    assert kept == set(FACTS) == KINDS.keys() - {LARGE}


@every_pickle
def test_kind(name: str, contents: MemoryContents) -> None:
    """Modules, and what holds one, are models; tensors and optimizers are not."""
    assert classify(looked_into(name, contents)) == Classification(KINDS[name], Form.PICKLE)
