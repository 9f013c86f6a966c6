"""Values that are known from the source text alone: literals, and names of literals."""

from __future__ import annotations

import ast
from collections.abc import Callable

from mfwb.lineage.static_analysis.domain.bounds import LARGEST_NUMBER, LONGEST_TEXT, value_of
from mfwb.lineage.static_analysis.domain.text_values import concatenate, get_text_parts
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Atom,
    Const,
    DictOf,
    Text,
    Tup,
    Value,
    only,
)
from mfwb.lineage.static_analysis.result import TextParts

__all__ = ["add_values", "constant", "format_values", "literal_value"]

_Lookup = Callable[[str], "Value | None"]


def literal_value(node: ast.expr, lookup: _Lookup) -> Value:
    """Return the value of a literal; `ANYTHING` for other expressions."""
    value = ANYTHING
    if isinstance(node, ast.Constant):
        value = constant(node.value)
    elif isinstance(node, ast.Name):
        value = lookup(node.id) or ANYTHING
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        value = _display(node.elts, lookup)
    elif isinstance(node, ast.Dict):
        value = _dict(node, lookup)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        value = add_values(literal_value(node.left, lookup), literal_value(node.right, lookup))
    elif isinstance(node, ast.Call) and _is_copying(node):
        value = literal_value(node.args[0], lookup)
    return value


def constant(value: object) -> Value:
    """Return the value of a constant; only None, strings and whole numbers matter."""
    plain = value is None or (isinstance(value, str) and len(value) <= LONGEST_TEXT)
    if plain or (type(value) is int and abs(value) <= LARGEST_NUMBER):
        return value_of(Const(value))  # type: ignore[arg-type]
    return ANYTHING


def add_values(left: Value, right: Value) -> Value:
    """Return the value of `left + right`."""
    first, second = only(left), only(right)
    if isinstance(first, Tup) and isinstance(second, Tup):
        return value_of(Tup(first.items + second.items))
    texts = [isinstance(_value_of(atom), str) or _is_text(atom) for atom in (first, second)]
    both = all(
        texts[position] or isinstance(atom, Text) for position, atom in enumerate((first, second))
    )
    return (
        concatenate(get_text_parts(left), get_text_parts(right))
        if both and any(texts)
        else ANYTHING
    )


def _is_text(atom: Atom | None) -> bool:
    """Return whether a value is certainly a text: two recorded values may be numbers."""
    return isinstance(atom, Text) and any(isinstance(part, str) for part in atom.parts)


def _value_of(atom: object) -> object:
    return atom.value if isinstance(atom, Const) else None


def format_values(pattern: Value, values: Value) -> Value:
    """Return the value of `pattern % values`, if the pattern has only `%s`."""
    template, given = _value_of(only(pattern)), only(values)
    if not isinstance(template, str) or template.count("%") != template.count("%s"):
        return ANYTHING
    items = given.items if isinstance(given, Tup) else (values,)
    constants = [(constant,) for constant in template.split("%s")]
    if len(constants) != len(items) + 1:
        return ANYTHING
    parts: list[TextParts | None] = [constants[0]]
    for item, constant in zip(items, constants[1:], strict=True):
        parts += [get_text_parts(item), constant]
    return concatenate(*parts)


def _display(elements: list[ast.expr], lookup: _Lookup) -> Value:
    items: list[Value] = []
    for element in elements:
        if isinstance(element, ast.Starred):
            spread = only(literal_value(element.value, lookup))
            if not isinstance(spread, Tup):
                return ANYTHING
            items += spread.items
        else:
            items.append(literal_value(element, lookup))
    return value_of(Tup(tuple(items)))


def _dict(node: ast.Dict, lookup: _Lookup) -> Value:
    keys = [only(literal_value(key, lookup)) if key else None for key in node.keys]
    known = tuple(key.value for key in keys if isinstance(key, Const) and key.value is not None)
    if len(known) != len(keys):
        return ANYTHING
    return value_of(DictOf(known, tuple(literal_value(value, lookup) for value in node.values)))


def _is_copying(node: ast.Call) -> bool:
    return (
        isinstance(node.func, ast.Name)
        and node.func.id in {"frozenset", "list", "set", "tuple"}
        and len(node.args) == 1
        and not node.keywords
    )
