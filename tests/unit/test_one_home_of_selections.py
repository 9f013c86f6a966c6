"""The ways to select flow runs become one `Selection`, made once; so do the settings of a call."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from mfwb import api
from mfwb.pipeline.selection import SELECTORS, make_selection
from tests.support.package_source import nodes_of, package_trees

_COUNTED = """
import sys
opened = []
sys.addaudithook(lambda event, given: event == "open" and opened.append(str(given[0])))
from mfwb.cli import main
try:
    main(sys.argv[1:])
finally:
    sys.stderr.write(f"\\n{sum(name.endswith('mfwb.toml') for name in opened)} times\\n")
"""


def test_the_selectors_are_the_arguments() -> None:
    """The namespace alone comes from the settings; functions take what `make_selection` takes."""
    given = [*inspect.signature(make_selection).parameters]

    assert given == [*SELECTORS, "namespace"]
    for function in (api.sync, api.plan, api.report):
        assert [*inspect.signature(function).parameters][: len(SELECTORS)] == [*SELECTORS]


def test_a_selection_has_one_home() -> None:
    """Nothing else has the ways to select flow runs as fields or arguments of its own."""
    result = set()
    for name, tree in package_trees().items():
        for node in nodes_of(tree):
            if {"since", "until", "every"} <= _names_in(node):
                result.add(f"{name}: {getattr(node, 'name', '')}")

    assert result == {
        "pipeline/selection.py: Selection",  # the value
        "pipeline/selection.py: make_selection",  # of what was given
        "shards/backfill.py: backfill",
        "api.py: plan",  # what users call
        "api.py: report",
        "api.py: sync",
        "api.py: verify",
    }


@pytest.mark.parametrize(
    "command",
    ["sync F/1", "push", pytest.param("plan F/1", marks=pytest.mark.exhaustive)],
)
def test_settings_are_read_once(command: str, tmp_path: Path) -> None:
    """A command reads each settings file a single time, whatever becomes of it."""
    (tmp_path / "mfwb.toml").write_text('project = "wines"\n', encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-c", _COUNTED, *command.split(), "--quiet"],
        cwd=tmp_path,
        env={
            "HOME": str(tmp_path / "home"),
            "MFWB_STATE_DIR": str(tmp_path),
            "WANDB_MODE": "disabled",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.stderr.endswith("1 times\n"), done.stderr


def _names_in(node: ast.AST) -> set[str]:
    """Return the fields of a class, or the arguments of a function."""
    if isinstance(node, ast.ClassDef):
        return {
            item.target.id
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        }
    if isinstance(node, ast.FunctionDef):
        return {item.arg for item in (*node.args.args, *node.args.kwonlyargs)}
    return set()
