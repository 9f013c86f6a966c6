"""Secrets in files of code: tokens by their form, and the texts that Python gives to secret names.

In code, a name such as `api_key` mostly stands for a value that comes from elsewhere. So in Python
only literal texts are looked at, and the rest of a file stays as it is, byte for byte.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from mfwb.python_ast import TooLargeError, parse
from mfwb.redaction.assignments import SecretNames, is_innocent, is_random
from mfwb.redaction.mark import MASK
from mfwb.redaction.names import is_password_name
from mfwb.redaction.texts import mask_forms, mask_text

__all__ = ["LARGEST_SOURCE", "mask_source"]

LARGEST_SOURCE = 5_000_000
"""Bytes; a larger file is data, and not code."""

_PYTHON = (".py", ".pyi", ".pyx")
_SHORTEST = 6  # letters of a secret that no form shows
_SETTERS = frozenset(
    {"get", "getenv", "pop", "putenv", "setdefault", "setenv", "Parameter", "Config", "add_header"}
)
"""Functions whose first argument may be a name, and the second its value."""

_DEFAULTS = frozenset({"default", "value"})
"""Arguments that give a value to a name in front of them, as in `Parameter("key", default=...)`."""

_LOGIN = "login"  # of wandb and others: `login(key=...)`


def mask_source(file_name: str, text: str, secret: SecretNames) -> str:
    """Return the text of a file with stars in place of its secrets.

    Args:
        file_name: its suffix tells whether it is Python.
        text: all of it; it may be no valid Python.
        secret: the names of secrets.
    """
    if not file_name.endswith(_PYTHON):
        return mask_text(text, secret)
    masked = mask_forms(text)
    if secret.hint.search(masked.lower()) is None:
        return masked
    try:
        tree = parse(masked)
    except (SyntaxError, TooLargeError):
        return mask_text(masked, secret)
    literals = {
        (value.lineno, value.col_offset): value
        for name, expression in _named_expressions(tree)
        if secret.is_secret(name)
        for value in _literals(expression)
        if _is_secret(name, value.value, secret)
    }
    return _without(masked, list(literals.values()))


def _named_expressions(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield each expression that the code gives a name to, with the name."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((_name_of(target), value) for target in targets)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield _name_of(target), value
            case ast.NamedExpr(target=target, value=value):
                yield _name_of(target), value
            case ast.keyword(arg=str(name), value=value):
                yield name, value
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                yield from ((_text_of(key), value) for key, value in pairs)
            case ast.arguments():
                yield from _parameters(node)
            case ast.Call():
                yield from _in_call(node)


def _in_call(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    function = _name_of(call.func)
    if function == _LOGIN:
        yield from (("api_key", item.value) for item in call.keywords if item.arg == "key")
    elif function in _SETTERS and call.args:
        name = _text_of(call.args[0])
        yield from ((name, value) for value in call.args[1:2])
        yield from ((name, item.value) for item in call.keywords if item.arg in _DEFAULTS)


def _parameters(node: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    positional = [*node.posonlyargs, *node.args]
    if node.defaults:
        last = positional[-len(node.defaults) :]
        yield from ((item.arg, value) for item, value in zip(last, node.defaults, strict=True))
    for item, value in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        if value is not None:
            yield item.arg, value


def _name_of(target: ast.expr) -> str:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=key):
            return _text_of(key)
    return ""


def _text_of(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _literals(expression: ast.expr) -> Iterator[ast.Constant]:
    """Yield the texts that an expression may be: `os.getenv("KEY") or "text"`."""
    match expression:
        case ast.Constant(value=str() | bytes()):
            yield expression
        case ast.BoolOp(values=values):
            for value in values:
                yield from _literals(value)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _literals(body)
            yield from _literals(orelse)
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            for item in items:
                yield from _literals(item)


def _is_secret(name: str, value: object, secret: SecretNames) -> bool:
    """Whether a literal is a secret, and not the name of a variable, a setting or a class."""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    if len(text) < _SHORTEST or is_innocent(text) or len(text.split()) != 1:
        return False
    if is_password_name(name):
        return secret.hint.search(text.lower()) is None
    return is_random(text)


def _without(text: str, literals: Sequence[ast.Constant]) -> str:
    """Return a file with marks in place of literals; columns of a tree count bytes of UTF-8."""
    if not literals:
        return text
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    for literal in sorted(literals, key=lambda item: (item.lineno, item.col_offset), reverse=True):
        first, last = literal.lineno - 1, (literal.end_lineno or literal.lineno) - 1
        before = lines[first][: literal.col_offset]
        after = lines[last][literal.end_col_offset :]
        prefix = b"b" if isinstance(literal.value, bytes) else b""
        lines[first : last + 1] = [before + prefix + b'"' + MASK.encode() + b'"' + after]
    return b"".join(lines).decode()
