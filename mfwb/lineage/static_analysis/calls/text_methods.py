"""Methods of constant texts that return texts: `"X/{}".format(run)`, `"/".join([flow, run])`."""

from __future__ import annotations

import ast

from mfwb.lineage.static_analysis.calls.arguments import Args
from mfwb.lineage.static_analysis.calls.elements import spread
from mfwb.lineage.static_analysis.domain.text_values import concatenate, get_text_parts
from mfwb.lineage.static_analysis.domain.values import ANYTHING, Value
from mfwb.lineage.static_analysis.result import TextParts

__all__ = ["text_method"]


def text_method(called: ast.expr, args: Args) -> Value:
    """Return the text that a method of a constant text returns; ANYTHING if it is not known."""
    if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Constant):
        return ANYTHING
    text = called.value.value
    if not isinstance(text, str) or args.rest is not None or args.keywords:
        return ANYTHING
    if called.attr == "format" and text.count("{") == text.count("}") == text.count("{}"):
        return _alternating(text.split("{}"), args.positional)
    if called.attr == "join" and len(args.positional) == 1:
        items = spread(args.positional[0])
        if items:
            between = [text] * (len(items) - 1)
            return _alternating(["", *between, ""], items)
    return ANYTHING


def _alternating(constants: list[str], values: tuple[Value, ...]) -> Value:
    """Return constants with values between them."""
    if len(constants) != len(values) + 1:
        return ANYTHING
    parts: list[TextParts | None] = [(constants[0],)]
    for value, constant in zip(values, constants[1:], strict=True):
        parts += [get_text_parts(value), (constant,)]
    return concatenate(*parts)
