"""The arguments of a call, and the parameters of the function that they bind."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from mfwb.lineage.static_analysis.domain.bounds import value_of
from mfwb.lineage.static_analysis.domain.values import ANYTHING, DictOf, Iter, Map, Tup, Value

__all__ = ["Args", "bind", "defaults_of"]


@dataclass(frozen=True, slots=True)
class Args:
    """The arguments of a call. `rest`: the values of `*` and `**`, for any parameter."""

    positional: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()
    rest: Value | None = None

    def all(self) -> list[Value]:
        """Return all argument values."""
        return [
            *self.positional,
            *(value for _, value in self.keywords),
            *([self.rest] if self.rest else []),
        ]

    def keyword(self, name: str) -> Value | None:
        """Return the value of a keyword, or None if it is not given."""
        return dict(self.keywords).get(name)

    def get(self, position: int, name: str) -> Value | None:
        """Return an argument that can be given by position or by name."""
        if position < len(self.positional):
            return self.positional[position]
        return self.keyword(name)


def bind(parameters: ast.arguments, args: Args) -> dict[str, Value]:
    """Return the value of each parameter."""
    plain = [*parameters.posonlyargs, *parameters.args]
    unknown = ANYTHING if args.rest is None else args.rest | ANYTHING
    bound = {parameter.arg: unknown for parameter in [*plain, *parameters.kwonlyargs]}
    bound.update(zip((parameter.arg for parameter in plain), args.positional, strict=False))
    extra: dict[str, Value] = {}
    for name, value in args.keywords:
        (bound if name in bound else extra)[name] = value
    if parameters.vararg:
        left = args.positional[len(plain) :]
        bound[parameters.vararg.arg] = (
            value_of(Tup(left)) if args.rest is None else value_of(Iter(_union(left) | unknown))
        )
    if parameters.kwarg:
        known = args.rest is None
        bound[parameters.kwarg.arg] = (
            value_of(DictOf(tuple(extra), tuple(extra.values())))
            if known
            else value_of(Map(_union(extra.values()) | unknown))
        )
    return bound


def defaults_of(parameters: ast.arguments, args: Args) -> Iterable[tuple[str, ast.expr]]:
    """Yield the parameters that may keep their defaults in a call."""
    given = {name for name, _ in args.keywords}
    plain = [*parameters.posonlyargs, *parameters.args]
    given.update(parameter.arg for parameter in plain[: len(args.positional)])
    by_position = zip(reversed(plain), reversed(parameters.defaults), strict=False)
    by_name = zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
    for parameter, default in [*by_position, *by_name]:
        if default is not None and parameter.arg not in given:
            yield parameter.arg, default


def _union(values: Iterable[Value]) -> Value:
    return frozenset().union(*values)
