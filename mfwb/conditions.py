"""Conditions over values, as in `accuracy > 0.9 and data == "full"`: parsed and evaluated safely.

A condition is a small part of Python's expressions: comparisons, `and`, `or`, `not`, arithmetic,
`in`, literals, names, dots and indexes for values inside of values. Nothing in it is called, and
no attribute of a Python object is read. Text, depth and numbers are bounded.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mfwb.python_ast import TooLargeError, parse

__all__ = [
    "Condition",
    "MissingNameError",
    "NoResultError",
    "find_value",
    "holds",
    "parse_condition",
]

_TEXT_LIMIT = 1_000  # characters
_DEPTH_LIMIT = 20  # nodes inside of each other
_BITS_LIMIT = 1_024  # of an integer; floats have as many at most
_SHOWN = 40  # characters of a value in a reason

_IS_CONDITION = "it is a condition, as accuracy > 0.9"

_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_SIGNS: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


class NoResultError(ValueError):
    """A condition has no result for these values; the text is the reason."""


class MissingNameError(NoResultError):
    """There is no value of a name; the text is the reason."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no value {name}")
        self.name = name


@dataclass(frozen=True)  # without slots: the names are cached on the instance
class Condition:
    """A condition that was parsed.

    Attributes:
        text: as the user wrote it.
        tree: its syntax, which has only the allowed nodes.
    """

    text: str
    tree: ast.expr

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the values that it needs, sorted; of `report.f1` it is `report`."""
        return tuple(
            sorted({node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)})
        )


def parse_condition(text: str) -> Condition:
    """Return a condition; ValueError with what it should be if it is not one."""
    if len(text) > _TEXT_LIMIT:
        raise ValueError(f"it is a condition of {_TEXT_LIMIT:,} characters at most")
    try:
        body = parse(text.strip()).body
    except TooLargeError as error:
        raise ValueError(f"{_IS_CONDITION} ({error})") from None
    except SyntaxError as error:
        raise ValueError(f"{_IS_CONDITION} ({error.msg})") from None
    match body:
        case [ast.Expr(value=tree)]:
            _check(tree, 1)
            return Condition(text, tree)
    raise ValueError(_IS_CONDITION)


def holds(text: str, values: Mapping[str, Any]) -> bool:
    """Return whether a condition is true for some values.

    Args:
        text: a condition that `parse_condition` accepts.
        values: JSON types, by name; NaN and infinities as numbers.

    Raises:
        MissingNameError: a name in it has no value, wherever it stands.
        NoResultError: it has no result, as `"a" < 3`.
    """
    condition = parse_condition(text)
    for name in condition.names:
        if name not in values:
            raise MissingNameError(name)
    return bool(_evaluate(condition.tree, values))


def find_value(dotted: str, values: Mapping[str, Any]) -> Any:
    """Return the value of a name such as `report.f1`; MissingNameError if there is none."""
    first, *rest = dotted.split(".")
    if first not in values:
        raise MissingNameError(dotted)
    value = values[first]
    for key in rest:
        if not isinstance(value, dict) or key not in value:
            raise MissingNameError(dotted)
        value = value[key]
    return value


# --- syntax -----------------------------------------------------------------------------------


def _check(node: ast.expr, depth: int) -> None:
    """Raise ValueError if an expression has a part that a condition may not have."""
    if depth > _DEPTH_LIMIT:
        raise ValueError(f"it is a condition of at most {_DEPTH_LIMIT} levels")
    for part in _parts(node):
        _check(part, depth + 1)


def _parts(node: ast.expr) -> Sequence[ast.expr]:  # noqa: C901, PLR0911 - a case for each kind
    """Return the parts of an allowed node; ValueError if it is not allowed."""
    match node:
        case ast.Name():
            return ()
        case ast.Constant(value=bool() | int() | float() | str() | None):
            return ()
        case ast.Attribute(value=value):
            return (value,)
        case ast.Subscript(value=value, slice=ast.Constant(value=int() | str()) as index):
            return (value, index)
        case ast.Subscript(
            value=value,
            slice=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())) as index,
        ):
            return (value, index)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return items
        case ast.BoolOp(values=values):
            return values
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            return (operand,)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _ARITHMETIC:
            return (left, right)
        case ast.Compare(left=left, ops=operations, comparators=others) if all(
            type(operation) in _COMPARISONS for operation in operations
        ):
            return (left, *others)
    raise ValueError(
        "it is a condition of names, numbers, texts, lists, comparisons, in, and, or, not, "
        f"+ - * / // and %, without `{ast.unparse(node)[:_SHOWN]}`"
    )


# --- values -----------------------------------------------------------------------------------


def _evaluate(node: ast.expr, values: Mapping[str, Any]) -> Any:  # noqa: C901, PLR0911 - the same
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.Attribute(value=inner, attr=key):
            return _item(_evaluate(inner, values), key, node)
        case ast.Subscript(value=inner, slice=index):
            return _item(_evaluate(inner, values), _evaluate(index, values), node)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_evaluate(item, values) for item in items]
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_evaluate(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_evaluate(part, values) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _evaluate(operand, values)
        case ast.UnaryOp(op=sign, operand=operand):
            return _SIGNS[type(sign)](_number(_evaluate(operand, values)))
        case ast.BinOp(left=left, op=operation, right=right):
            return _calculate(
                _ARITHMETIC[type(operation)],
                _number(_evaluate(left, values)),
                _number(_evaluate(right, values)),
            )
        case ast.Compare(left=left, ops=operations, comparators=others):
            return _compare(_evaluate(left, values), operations, others, values)
    raise NoResultError(f"{type(node).__name__} is not part of a condition")


def _item(value: Any, key: Any, node: ast.expr) -> Any:
    """Return an item of a dict, or a list; MissingNameError if it has none."""
    if isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(value, list) and type(key) is int and -len(value) <= key < len(value):
        return value[key]
    raise MissingNameError(ast.unparse(node))


def _compare(
    left: Any,
    operations: Sequence[ast.cmpop],
    others: Sequence[ast.expr],
    values: Mapping[str, Any],
) -> bool:
    """Return whether a chain of comparisons holds, as in `0 < x < 1`."""
    for operation, other in zip(operations, others, strict=True):
        right = _evaluate(other, values)
        try:
            if not _COMPARISONS[type(operation)](left, right):
                return False
        except TypeError:
            raise NoResultError(f"{_shown(left)} can't be compared with {_shown(right)}") from None
        left = right
    return True


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NoResultError(f"{_shown(value)} is not a number")
    if isinstance(value, int) and value.bit_length() > _BITS_LIMIT:
        raise NoResultError("a number in it is too large")
    return value


def _calculate(operation: Callable[[Any, Any], Any], left: float, right: float) -> Any:
    try:
        return operation(left, right)
    except ZeroDivisionError:
        raise NoResultError("it divides by zero") from None
    except OverflowError:
        raise NoResultError("a number in it is too large") from None


def _shown(value: Any) -> str:
    """Return a value for a message: what it is if it is long, as only short texts are copied."""
    if isinstance(value, (dict, list)):
        return "a dict" if isinstance(value, dict) else "a list"
    text = repr(value) if not isinstance(value, int) or value.bit_length() <= _BITS_LIMIT else ""
    return text if 0 < len(text) <= _SHOWN else f"a value of type {type(value).__name__}"
