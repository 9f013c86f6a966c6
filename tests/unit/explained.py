"""Explanations of flow runs whose bytes are in memory: real pickles, real files."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path
from typing import Any

from mfwb.config import Settings
from mfwb.payload import PayloadBuilder
from mfwb.pipeline.explain import Explanation, explain, parse_artifact
from mfwb.ports import Contents, LogLine
from mfwb.snapshot import ArtifactRef, Card, FlowRun, Parameter
from tests.support.fakes import MemoryMetaflow
from tests.support.flow_runs import at, flow_run, task, tried
from tests.support.inspectors import shared_inspector
from tests.unit.payload.memory import MemoryContents


class Blobs(MemoryContents):
    """The bytes of artifacts; nothing else is to be read."""

    def log(self, task: str, *, max_bytes: int) -> Iterable[LogLine]:
        """Refuse."""
        raise AssertionError(f"somebody reads the log of {task}, {max_bytes} bytes of it")

    def copy_card(self, task: str, card: Card, path: Path) -> None:  # noqa: ARG002
        """Refuse."""
        raise AssertionError(f"somebody reads the card {card.uuid} of {task}")


@dataclass
class Metaflow(MemoryMetaflow):
    """A source that holds bytes, too."""

    bytes: Blobs = field(default_factory=Blobs)

    def contents(self, flow_run: FlowRun) -> Contents:  # noqa: ARG002 - all are in one place
        """Return access to all bytes."""
        return self.bytes

    def ref(self, name: str, value: Any, type_: str = "") -> ArtifactRef:
        """Keep a value's pickle, and return what Metaflow records of it."""
        data = pickle.dumps(value, protocol=4)
        key = sha1(data, usedforsecurity=False).hexdigest()
        self.bytes.blobs[key] = data
        own = str(type(value)).removeprefix("<class '").removesuffix("'>")
        return ArtifactRef(name, key, len(data), type_ or own, "pickle-v4")

    def parameter(self, name: str, value: Any, kind: str = "Parameter") -> Parameter:
        """Keep a parameter."""
        return Parameter(name, kind, self.ref(name, value))


SVC = "sklearn.svm._classes.SVC"


class Fit:
    """Stands for a model: what counts is the type that Metaflow recorded."""

    def __init__(self, name: str) -> None:
        self.name = name


def sample() -> Metaflow:
    """Return a flow run: start fans out to train, and choose hands on one model of it."""
    metaflow = Metaflow()
    xs = metaflow.ref("xs", ["a", "b"])
    base = metaflow.ref("base", {"k": [1, 2.5]})
    models = [metaflow.ref("model", Fit(name), SVC) for name in "ab"]
    scores = [metaflow.ref("score", number) for number in (0.25, 0.75)]
    trains = [
        task(
            f"train/{2 + index}",
            to="choose",
            foreach=at(f"train:xs:{index}"),
            has=[xs, base, models[index], scores[index]],
            attempts=(tried(number=index),),
        )
        for index in range(2)
    ]
    metaflow.flow_runs.append(
        flow_run(
            task("start/1", to="train", over="xs", has=[xs, base], attempts=(tried(),)),
            *trains,
            task(
                "choose/4",
                has=[base, models[1], metaflow.ref("best", "b")],
                attempts=(tried(),),
                cards=(Card("default", None, "u1"),),
            ),
            parameters=(metaflow.parameter("alpha", 0.5), metaflow.parameter("N", 3, "constant")),
        )
    )
    return metaflow


def explained(metaflow: Metaflow, artifact: str, folder: Path, **settings: Any) -> Explanation:
    """Return what is said of an artifact of the sample's flow run, as in `train/model`."""
    builder = PayloadBuilder(folder, keep=False, inspector=shared_inspector())
    try:
        return explain(
            parse_artifact(f"DemoFlow/7/{artifact}"),
            Settings.model_validate(settings),
            metaflow,
            builder,
            entity="acme",
            project="wines",
        )
    finally:
        builder.close()
