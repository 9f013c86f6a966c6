"""Stories are told in `mfwb/pipeline`: the outside knows its ports alone, and `api` tells none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.support.package_source import nodes_of, package_trees

OUTSIDE = ("source", "sink", "payload", "ledger", "report")
SHOWN = ("mfwb.pipeline.explain", "mfwb.pipeline.reading", "mfwb.pipeline.report_material")
"""What `report` shows, so that it knows the values that these return."""


def imported_by(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a module imports, at its top or later."""
    for node in nodes_of(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("room", OUTSIDE)
def test_the_outside_does_not_import_the_pipeline(room: str) -> None:
    """What both know is in `ports`: the Protocols, and what goes through them."""
    result = {
        f"{name}: {module}"
        for name, tree in package_trees().items()
        if name.startswith(f"{room}/")
        for module in imported_by(tree)
        if module.startswith("mfwb.pipeline") and not (room == "report" and module in SHOWN)
    }

    assert result == set()


def test_each_protocol_has_one_home() -> None:
    """No second `Pusher`, `Sink`, ... stands anywhere, and none is defined beside a story."""
    homes: dict[str, list[str]] = {}
    for name, tree in package_trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(name)
    expected = {
        "ports/bugs.py": ["BugLog"],
        "ports/ledger.py": ["Entry", "Ledger"],
        "ports/payloads.py": ["Payloads", "ReadyRun"],
        "ports/progress.py": ["Progress"],
        "ports/push.py": ["BundledFlowRun", "PushedFlowRun", "Pusher"],
        "ports/sink.py": ["Destination", "Session", "Sink", "WrittenRun"],
    }

    assert {name: homes[name] for names in expected.values() for name in names} == {
        name: [home] for home, names in expected.items() for name in names
    }


def test_the_api_tells_no_story() -> None:
    """It makes the parts and calls: to lock, to note, or to go on after an error is a story."""
    tree = package_trees()["api.py"]
    caught = {
        ast.unparse(node.type) if node.type else "all"
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
    }
    called = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    assert caught == set()
    assert called.isdisjoint({"lock", "write", "list_flow_runs", "open", "entries", "destination"})
