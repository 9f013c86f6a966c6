"""`sink/client/process_wide.py` alone alters wandb or pydantic in this process, and undoes it."""

from __future__ import annotations

import ast
from pathlib import Path

import mfwb

PACKAGE = Path(mfwb.__file__).parent
HOME = "sink/client/process_wide.py"


def test_alterations_have_one_home() -> None:
    """No other module puts something into a module or a class of wandb or pydantic."""
    found = {
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in PACKAGE.rglob("*.py")
        for line in _altered_in(ast.parse(path.read_text(encoding="utf-8")))
        if path.relative_to(PACKAGE).as_posix() != HOME
    }

    assert found == set()


def test_this_sees_them() -> None:
    """It knows each way in which one was altered so far."""
    text = (
        "import wandb\n"
        "from wandb.sdk import wandb_setup\n"
        "from pydantic._internal import _fields\n"
        "wandb.util.pd_available = False\n"
        "wandb_setup._lock = None\n"
        "setattr(_fields, 'a', 1)\n"
        "vars(wandb_setup)['b'] = 1\n"
    )

    assert _altered_in(ast.parse(text)) == [4, 5, 6, 7]


def _altered_in(tree: ast.Module) -> list[int]:
    """Return the lines that alter what was imported of wandb or pydantic."""
    theirs = {
        (one.asname or one.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for one in node.names
        if _is_theirs(node, one.name)
    }
    lines = set()
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        elif isinstance(node, ast.Call) and _root(node.func) in {"setattr", "delattr"}:
            lines |= {node.lineno for one in node.args[:1] if _root(one) in theirs}
        for target in targets:
            if isinstance(target, (ast.Attribute, ast.Subscript)) and _root(target) in theirs:
                lines.add(target.lineno)
    return sorted(lines)


def _is_theirs(node: ast.Import | ast.ImportFrom, name: str) -> bool:
    module = (node.module or "") if isinstance(node, ast.ImportFrom) else name
    return module.partition(".")[0] in {"wandb", "pydantic"}


def _root(node: ast.expr) -> str:
    """Return the name that an expression begins with; of `vars(x)[...]` it is x."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        if isinstance(node, ast.Call):
            is_vars = isinstance(node.func, ast.Name) and node.func.id == "vars" and node.args
            node = node.args[0] if is_vars else node.func
        else:
            node = node.value
    return node.id if isinstance(node, ast.Name) else ""
