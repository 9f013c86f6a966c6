"""Calls: of functions with known source, of known methods, and of everything else."""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import partial

from mfwb.lineage.static_analysis.calls.arguments import Args
from mfwb.lineage.static_analysis.calls.elements import (
    container_method,
    element_of,
    entries_of,
    members_of,
)
from mfwb.lineage.static_analysis.calls.follow import defer, follow, summarise
from mfwb.lineage.static_analysis.calls.invoke import (
    apply,
    hand_over,
    invoke,
    invokes,
    unknown_call,
)
from mfwb.lineage.static_analysis.calls.text_methods import text_method
from mfwb.lineage.static_analysis.domain.bounds import union, value_of
from mfwb.lineage.static_analysis.domain.text_values import item_of_text
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Bound,
    Client,
    Const,
    Func,
    Local,
    MethodOf,
    Text,
    Value,
    only,
)
from mfwb.lineage.static_analysis.frame import Frame, evaluates
from mfwb.lineage.static_analysis.result import ArtifactValue
from mfwb.lineage.static_analysis.syntax.targets import put_into

__all__: list[str] = []

_PUTS = frozenset({"add", "append", "appendleft", "insert", "setdefault"})
_PUTS_ALL = frozenset({"extend", "extendleft", "update"})
_REMOVES = frozenset({"clear", "discard", "pop", "popitem", "popleft", "remove", "reverse", "sort"})
_ONLY_LOOKS = frozenset({"copy", "count", "get", "index", "items", "keys", "values"})


@evaluates(ast.Call)
def _call(frame: Frame, node: ast.Call) -> Value:
    called = frame.evaluate(node.func)
    args = _arguments(frame, node)
    if len(called) == 1:
        value = invoke(frame, next(iter(called)), args, node)
        return text_method(node.func, args) if value == ANYTHING else value
    return frame.follow_either(*(partial(invoke, frame, atom, args, node) for atom in called))


def _arguments(frame: Frame, node: ast.Call) -> Args:
    positional: list[Value] = []
    rest: Value | None = None
    for argument in node.args:
        value = frame.evaluate(argument)
        if isinstance(argument, ast.Starred) or rest is not None:
            rest = value | (rest or frozenset())
        else:
            positional.append(value)
    keywords: list[tuple[str, Value]] = []
    for keyword in node.keywords:
        value = frame.evaluate(keyword.value)
        if keyword.arg is None:
            rest = union(map(entries_of, value)) | (rest or frozenset())
        else:
            keywords.append((keyword.arg, value))
    return Args(tuple(positional), tuple(keywords), rest)


@invokes(Func)
def _function(frame: Frame, atom: Func, args: Args, _node: ast.Call) -> Value:
    return follow(frame, atom, args)


@invokes(Bound)
def _method(frame: Frame, atom: Bound, args: Args, _node: ast.Call) -> Value:
    own = Args((value_of(atom.receiver), *args.positional), args.keywords, args.rest)
    return follow(frame, atom.func, own)


@invokes(Local)
def _local(frame: Frame, atom: Local, args: Args, _node: ast.Call) -> Value:
    summary = summarise(frame, atom.func, args, home=atom.home)
    defer(frame, summary)
    return summary.value


@invokes(Client)
def _client(_frame: Frame, atom: Client, _args: Args, _node: ast.Call) -> Value:
    return value_of(atom)


@invokes(Text)
def _of_text(frame: Frame, atom: Text, args: Args, node: ast.Call) -> Value:
    """Return the value of a call on a recorded value; `get` takes an element, like a subscript."""
    unknown_call(frame, args, node)
    part, key = atom.parts[0], only(args.get(0, "") or ANYTHING)
    if isinstance(part, ArtifactValue) and part.keys[-1:] == ("get",) and isinstance(key, Const):
        owner = Text((replace(part, keys=part.keys[:-1]),))
        return item_of_text(owner, key.value) | (
            ANYTHING if len(args.positional) > 1 else frozenset()
        )
    return ANYTHING


@invokes(MethodOf)
def _of_container(frame: Frame, atom: MethodOf, args: Args, node: ast.Call) -> Value:
    holder = node.func.value if isinstance(node.func, ast.Attribute) else node.func
    given = frozenset().union(*args.all())
    handed_out = container_method(atom) or ANYTHING
    if atom.name == "sort":
        key = args.keyword("key")
        apply(frame, key or ANYTHING, Args((element_of(value_of(atom.owner)),)), node)
    if atom.name in _PUTS:
        put_into(frame, holder, given, node)
    elif atom.name in _PUTS_ALL:
        put_into(frame, holder, element_of(given) | members_of(given), node)
    elif atom.name in _REMOVES:
        put_into(frame, holder, frozenset(), node)
    elif atom.name not in _ONLY_LOOKS:
        unknown_call(frame, args, node)
    hand_over(frame, args, node)
    return handed_out
