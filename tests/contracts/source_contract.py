"""What the pipeline relies on of a source, asked of Metaflow's and of the fake that holds the same.

    python -m tests.contracts.source_contract METADATA PATHSPEC ...

prints what failed as JSON, by name. The flow runs are all that the metadata knows and can be read.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mfwb.config import Settings
from mfwb.errors import ItemLost, NotFound
from mfwb.planning import Content
from mfwb.ports import Contents, Source
from mfwb.snapshot import Card
from mfwb.snapshot.pathspec import Pathspec, parse
from tests.support.fakes import MemoryMetaflow


@dataclass(frozen=True)
class Scene:
    """A source, and the flow runs that it has."""

    source: Source
    there: Sequence[Pathspec]


def flows(scene: Scene) -> None:
    """The flows are listed by name."""
    assert scene.source.flows() == sorted({item.flow for item in scene.there})
    assert scene.source.provider


def listed(scene: Scene) -> None:
    """The runs of a flow are listed newest first, of one moment by id, as reading tells them."""
    for flow in scene.source.flows():
        result = scene.source.list(flow)
        assert {item.pathspec for item in result} == {
            item for item in scene.there if item.flow == flow
        }
        order = [
            (item.started_at, len(str(item.pathspec.run)), item.pathspec.run) for item in result
        ]
        assert order == sorted(order, reverse=True)
        for item in result:
            read = scene.source.read(item.pathspec)
            assert read.pathspec == str(item.pathspec)
            assert (read.started_at, read.tags, read.system_tags) == (
                item.started_at,
                item.tags,
                item.system_tags,
            )
            assert read.provider == scene.source.provider


def not_there(scene: Scene) -> None:
    """What is not there is said to be not there, by its own error."""
    [first, *_] = scene.there
    for ask in (
        lambda: scene.source.list("NoSuchFlow"),
        lambda: scene.source.read(Pathspec("NoSuchFlow", "1")),
        lambda: scene.source.read(Pathspec(first.flow, "1")),
    ):
        assert _raised(ask) is NotFound, _raised(ask)


def contents_that_are_gone(scene: Scene) -> None:
    """Bytes that can't be had are missing among many, and an ItemLost alone."""
    flow_run = scene.source.read(scene.there[0])
    task = flow_run.steps[0].tasks[0].pathspec
    gone = Content(task, "gone", "0" * 40, 10)
    contents: Contents = scene.source.contents(flow_run)
    path = Path("gone")

    assert contents.load([]) == {}
    assert contents.load([gone]) == {}
    for ask in (
        lambda: contents.head(gone, 5),
        lambda: contents.copy(gone, path),
        lambda: contents.locate(gone),
        lambda: contents.copy_card(task, Card("default", "0" * 8, "0" * 40), path),
    ):
        assert _raised(ask) is ItemLost, _raised(ask)


def _raised(ask: Callable[[], object]) -> type[Exception] | None:
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - its type is what is asked for
        return type(error)
    return None


CONTRACT: dict[str, Callable[[Scene], None]] = {
    item.__name__: item for item in (flows, listed, not_there, contents_that_are_gone)
}


def main(metadata: str, pathspecs: list[str]) -> None:
    """Ask both."""
    from mfwb.source import open_source  # noqa: PLC0415 - it brings Metaflow

    existing = [parse(pathspec) for pathspec in pathspecs]
    failed = {}
    with open_source(Settings.model_validate({"metadata": metadata})) as source:
        # Newest first, which is the wrong way round: the fake has to sort them itself.
        held = [source.read(item) for item in sorted(existing, key=str, reverse=True)]
        fake = MemoryMetaflow(held, source.provider)
        both: dict[str, Source] = {"metaflow": source, "memory": fake}
        for kind, requested in both.items():
            for name, ask in CONTRACT.items():
                try:
                    ask(Scene(requested, existing))
                except Exception:  # noqa: BLE001, PERF203 - whatever it is, the test shows it
                    failed[f"{kind}: {name}"] = traceback.format_exc()
    print(json.dumps(failed))  # noqa: T201 - it is what the test reads


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
