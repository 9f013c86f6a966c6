"""Metaflow's client never loads content for mfwb: it would run what strangers wrote."""

from __future__ import annotations

import ast
import json
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.copies import copy_flow_run
from tests.sandbox import Sandbox

SOURCE = Path(__file__).parents[3] / "mfwb" / "source"

LOADING = frozenset(
    {
        "artifacts",
        "child_tasks",
        "code",
        "data",
        "exception",
        "extract",
        "extractall",
        "finished",
        "flowspec",
        "load_artifacts",
        "load_blobs",
        "load_data",
        "parent_task_pathspecs",
        "parent_tasks",
        "successful",
        "tarball",
        "trigger",
    }
)
"""Of Metaflow 2.19.39: each loads a pickle, or unpacks what somebody packed."""

OURS = {
    "state.py": {"finished"},
    "session.py": {"exception"},  # the module metaflow.exception
    "contents.py": {"data"},
    "code.py": {"code", "extract"},
    "code_package.py": {"code"},  # of an `Unpacked`
}
"""The same words for something else, by module."""

_PROBE = """
import pickle, sys
from contextlib import suppress
from pathlib import Path

allowed = tuple(sys.argv[3].split(","))
watching, found = False, set()

def watch(event, arguments):
    if event == "pickle.find_class" and watching:
        found.add(".".join(arguments[:2]))

sys.addaudithook(watch)
from mfwb.config import load_settings
from mfwb.errors import ItemLost
from mfwb.snapshot.pathspec import parse
from mfwb.source import open_source

with open_source(load_settings({"metadata": f"local@{sys.argv[1]}"})) as source:
    watching = True
    for pathspec in source.list("FanFlow"):
        run = source.read(pathspec.pathspec)
        contents = source.contents(run)
        for task in run.tasks:
            list(contents.log(task.pathspec, most=10**6))
            for card in task.cards:
                with suppress(ItemLost):  # cards of a copy stay with its origin
                    contents.copy_card(task.pathspec, card, Path(sys.argv[1], "card"))
    watching = False
print(sorted(found - set(allowed)))
"""
ALLOWED = [
    "__main__.ForeachFrame",
    "metaflow.exception.MetaflowExceptionWrapper",
    "metaflow.includefile.IncludedFile",
    "metaflow.task.ForeachFrame",
    "metaflow.tuple_util.ForeachFrame",
]


def _attributes(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr


@pytest.mark.parametrize("module", sorted(SOURCE.glob("*.py")), ids=lambda path: path.name)
def test_no_module_asks_for_content(module: Path) -> None:
    """What loads a pickle is not even named."""
    assert LOADING.intersection(_attributes(module)) <= OURS.get(module.name, set())


def test_reading_loads_no_class(
    flow_run: Callable[[str], str], flows_root: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A whole flow run is read, and no pickle refers to anything but Metaflow's own records.

    The metadata of its parameters names a pickle that would make a file.
    """
    trap = tmp_path / "trap"
    pathspec = copy_flow_run(flows_root, flow_run("fan_flow"), started_at_ms=1_600_000_000_000)
    run = flows_root / ".metaflow" / pathspec
    blob = run.parent / "data" / "ff" / ("f" * 40)
    blob.parent.mkdir(exist_ok=True)
    blob.write_bytes(pickle.dumps(_Trap(trap)))
    blob.with_name(f"{blob.name}_meta").write_text('{"cas_raw": true}', encoding="utf-8")
    for path in run.glob("*/*/_meta/*_artifact_*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**document, "sha": "f" * 40}), encoding="utf-8")

    arguments = (str(flows_root), pathspec, ",".join(ALLOWED))
    done = sandbox.run(sys.executable, "-c", _PROBE, *arguments)

    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "[]"
    assert not trap.exists()


class _Trap:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return eval, (f"open({str(self._path)!r}, 'w').close()",)
