"""`mfwb/destination` alone says where W&B runs go, and it does without wandb."""

from __future__ import annotations

import ast

from tests.support.package_source import nodes_of, package_trees

HOME = "destination/"

_PARTS_OF_IT = {"entity_of", "project_of", "project_name", "is_project_name"}
"""What has to be put together to tell where a flow's W&B runs go."""
_DEFINED_IN = {"config.py", "planning/names.py"}


def test_nobody_else_puts_a_destination_together() -> None:
    """Entity and project of a flow come from one function."""
    result = {
        f"{name}: {used}"
        for name, tree in package_trees().items()
        if not name.startswith(HOME) and name not in _DEFINED_IN
        for node in nodes_of(tree)
        if (used := _name_of(node)) in _PARTS_OF_IT
    }

    # The api asks `destination` whether a project was given; it has no other word in it.
    assert result == {"api.py: project_of"}


def test_destinations_do_without_wandb() -> None:
    """Commands that wandb has no part in ask here, too."""
    result = {
        module.split(".")[0]
        for name, tree in package_trees().items()
        if name.startswith(HOME)
        for node in nodes_of(tree)
        for module in _imported(node)
    }

    assert result.isdisjoint({"wandb", "metaflow"})


def _name_of(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        function = node.func
        if isinstance(function, ast.Attribute):
            return function.attr
        return function.id if isinstance(function, ast.Name) else ""
    return ""


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [name.name for name in node.names] if isinstance(node, ast.Import) else []
