"""The messages of errors that end a command or a flow run, as the source of mfwb has them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.package_source import nodes_of, package_trees

__all__ = ["GAP", "Message", "error_messages"]

GAP = "…"
"""What stands for a value in a message."""

_CLASSES = frozenset(
    {
        *("UsageError", "Unreachable", "LockHeld", "BundleChanged", "LedgerDamaged"),
        *("NotFound", "SourceError", "LineageError", "NotOurs", "SinkError", "Refused"),
        *("MfwbError", "TookTooLongError"),
    }
)


@dataclass(frozen=True)
class Message:
    """A message.

    Attributes:
        error: the class of the error.
        text: with `…` for each value.
        file: where it is, below mfwb/.
    """

    error: str
    text: str
    file: str


def error_messages() -> list[Message]:
    """Return all messages that the source has, those of values alone left out."""
    found = {
        Message(error, text, name)
        for name, tree in package_trees().items()
        for error, text in _messages_in(tree)
    }
    return sorted(found, key=lambda message: (message.file, message.text))


def _messages_in(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in nodes_of(tree):
        if isinstance(node, ast.Call) and _name_of(node.func) in _CLASSES and node.args:
            text = _text_of(node.args[0])
            if any(part.strip(" :;,./()") for part in text.split(GAP)):
                yield _name_of(node.func), text


def _name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _text_of(node: ast.expr) -> str:
    """Return a text with gaps for values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text_of(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text_of(node.left) + _text_of(node.right)
    return GAP
