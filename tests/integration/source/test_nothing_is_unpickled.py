"""Metaflow's client never loads content for mfwb: it would run what strangers wrote."""

from __future__ import annotations

import ast
import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox

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
    "code_package.py": {"code"},
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
from mfwb.files.allowed_files import AllowedFiles
from mfwb.config import load_settings
from mfwb.errors import ItemLost
from mfwb.planning import Content
from mfwb.snapshot.pathspec import parse
from mfwb.source import open_source

with open_source(load_settings({"metadata": f"local@{sys.argv[1]}"})) as source:
    watching = True
    included = 0
    for listed in source.list(sys.argv[2]):
        run = source.read(listed.pathspec)
        contents = source.contents(run)
        place = Path(sys.argv[1], "copied")
        for task in run.tasks:
            list(contents.log(task.pathspec, max_bytes=1_000_000))
            for card in task.cards:
                with suppress(ItemLost):
                    contents.copy_card(task.pathspec, card, place)
        for one in run.parameters:
            if one.kind == "IncludeFile":
                file = Content(f"{run.pathspec}/_parameters", one.name, one.ref.sha1, one.ref.size)
                contents.copy_included(file, place, allowed=AllowedFiles(), limit=None)
                included += 1
    watching = False
print(included, sorted(found - set(allowed)))
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


@pytest.mark.parametrize("name", ["linear_flow", "fan_flow"])
def test_reading_loads_no_class(
    name: str, flow_run: Callable[[str], str], flows_root: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A whole flow run is read, and no pickle refers to anything but Metaflow's own records.

    The metadata of each of its artifacts names a pickle that would make a file.
    """
    trap = tmp_path / "trap"
    flow = flow_run(name).partition("/")[0]
    folder = tmp_path / ".metaflow" / flow
    shutil.copytree(flows_root / ".metaflow" / flow, folder)
    files = flows_root / "data" / flow  # what IncludeFiles hold
    if files.is_dir():
        shutil.copytree(files, tmp_path / "data" / flow)
    blob = folder / "data" / "ff" / ("f" * 40)
    blob.parent.mkdir(exist_ok=True)
    blob.write_bytes(pickle.dumps(_Trap(trap)))
    blob.with_name(f"{blob.name}_meta").write_text('{"cas_raw": true}', encoding="utf-8")
    for path in folder.glob("*/*/*/_meta/*_artifact_*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**document, "sha": "f" * 40}), encoding="utf-8")

    arguments = (str(tmp_path), flow, ",".join(ALLOWED))
    done = sandbox.python(_PROBE, *arguments)

    included = len([*files.glob("*[0-9a-f]")])
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == f"{included} []"
    assert included == (name == "linear_flow")
    assert not trap.exists()


class _Trap:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return eval, (f"open({str(self._path)!r}, 'w').close()",)
