"""Calls of Python's own functions that pass their arguments on, or only inspect them."""

from __future__ import annotations

import ast
from collections.abc import Callable

from mfwb.lineage.static_analysis.calls.arguments import Args
from mfwb.lineage.static_analysis.calls.client import client_call
from mfwb.lineage.static_analysis.calls.elements import element_of, is_nonempty, members_of, spread
from mfwb.lineage.static_analysis.calls.invoke import apply, hand_over, invokes, unknown_call
from mfwb.lineage.static_analysis.domain.bounds import union, value_of
from mfwb.lineage.static_analysis.domain.text_values import concatenate, get_text_parts
from mfwb.lineage.static_analysis.domain.values import (
    ANYTHING,
    Const,
    DictOf,
    ExternalName,
    FlowSelf,
    Iter,
    Map,
    Nested,
    Tup,
    Value,
    holds_flow,
    only,
)
from mfwb.lineage.static_analysis.frame import Frame
from mfwb.lineage.static_analysis.syntax.calls_by_name import NAMING_CALLS

__all__: list[str] = []

_Known = Callable[[Frame, Args, ast.Call], Value]
_MAX_ELEMENTS = 50  # elements of a range that are followed one by one


def _same(_frame: Frame, args: Args, _node: ast.Call) -> Value:
    """`list`, `tuple`, `iter`: the same elements in the same order."""
    given = args.get(0, "iterable")
    if given is None:
        return value_of(Tup(())) if not args.rest else value_of(Iter(args.rest))
    elements = spread(given)
    if elements is not None:
        return value_of(Tup(elements))
    return value_of(Iter(element_of(given), is_nonempty(given)))


def _reordered(frame: Frame, args: Args, node: ast.Call) -> Value:
    """`sorted`, `reversed`, `set`: the same elements in another order."""
    given = args.get(0, "iterable") or args.rest or ANYTHING
    element = element_of(given)
    _use_key(frame, args, element, node)
    elements = spread(given)
    if elements is not None and not holds_flow(given):
        return value_of(Tup(elements))
    return value_of(Iter(element, is_nonempty(given)))


def _use_key(frame: Frame, args: Args, element: Value, node: ast.Call) -> None:
    key = args.keyword("key")
    if key is not None:
        apply(frame, key, Args((element,)), node)


def _any_element(frame: Frame, args: Args, node: ast.Call) -> Value:
    """`max`, `min`: one of the elements, or of the arguments."""
    several = len(args.positional) > 1
    given = union(args.positional) if several else element_of(args.get(0, "") or ANYTHING)
    given |= args.rest or frozenset()
    _use_key(frame, args, given, node)
    return given | (args.keyword("default") or frozenset())


def _next(_frame: Frame, args: Args, _node: ast.Call) -> Value:
    return element_of(args.get(0, "") or ANYTHING) | (args.get(1, "") or frozenset())


def _enumerate(_frame: Frame, args: Args, _node: ast.Call) -> Value:
    given = args.get(0, "iterable") or ANYTHING
    elements = spread(given)
    if elements is not None:
        return value_of(Tup(tuple(value_of(Tup((ANYTHING, element))) for element in elements)))
    return value_of(Iter(value_of(Tup((ANYTHING, element_of(given)))), is_nonempty(given)))


def _zip(_frame: Frame, args: Args, _node: ast.Call) -> Value:
    if args.rest:
        return value_of(Iter(value_of(Iter(element_of(union([*args.positional, args.rest]))))))
    lines = [spread(argument) for argument in args.positional]
    known = [line for line in lines if line is not None]
    if known and len(known) == len(lines):
        return value_of(Tup(tuple(value_of(Tup(row)) for row in zip(*known, strict=False))))
    return value_of(
        Iter(value_of(Tup(tuple(element_of(argument) for argument in args.positional))))
    )


def _map(frame: Frame, args: Args, node: ast.Call) -> Value:
    if not args.positional:
        return unknown_call(frame, args, node)
    function, *sources = args.positional
    elements = tuple(element_of(source) for source in sources)
    return value_of(Iter(apply(frame, function, Args(elements, rest=args.rest), node)))


def _filter(frame: Frame, args: Args, node: ast.Call) -> Value:
    if len(args.positional) != 2:  # noqa: PLR2004 - filter takes a function and a source
        return unknown_call(frame, args, node)
    function, source = args.positional
    apply(frame, function, Args((element_of(source),)), node)
    return value_of(Iter(element_of(source)))


def _reduce(frame: Frame, args: Args, node: ast.Call) -> Value:
    if len(args.positional) < 2:  # noqa: PLR2004 - reduce takes a function and a source
        return unknown_call(frame, args, node)
    function, source, *start = args.positional
    element = union([element_of(source), *start])
    first = apply(frame, function, Args((element, element)), node)
    return element | apply(frame, function, Args((element | first, element)), node)


def _chain(_frame: Frame, args: Args, _node: ast.Call) -> Value:
    return value_of(Iter(union(element_of(argument) for argument in args.all())))


def _chain_all(_frame: Frame, args: Args, _node: ast.Call) -> Value:
    return value_of(Iter(element_of(element_of(args.get(0, "") or ANYTHING))))


def _part(_frame: Frame, args: Args, _node: ast.Call) -> Value:
    return value_of(Iter(element_of(args.get(0, "") or ANYTHING)))


def _dict(_frame: Frame, args: Args, _node: ast.Call) -> Value:
    entries = [value for _, value in args.keywords]
    for given in args.positional:
        pairs = element_of(given)
        entries += [members_of(given) if given != ANYTHING and _is_dict(given) else _second(pairs)]
        entries += [value_of(atom) for atom in given if isinstance(atom, Nested)]
    if not args.positional and args.rest is None:
        return value_of(DictOf(tuple(name for name, _ in args.keywords), tuple(entries)))
    return value_of(Map(union([*entries, args.rest or ANYTHING])))


def _is_dict(value: Value) -> bool:
    return all(isinstance(atom, DictOf | Map) for atom in value)


def _second(pairs: Value) -> Value:
    return union(
        atom.items[1]
        if isinstance(atom, Tup) and len(atom.items) > 1
        else element_of(value_of(atom))
        for atom in pairs
    )


def _range(_frame: Frame, args: Args, _node: ast.Call) -> Value:
    limits = [atom.value for atom in map(only, args.positional) if isinstance(atom, Const)]
    numbers = [limit for limit in limits if isinstance(limit, int)]
    if not numbers or len(numbers) != len(args.positional) or 0 in numbers[2:]:
        return ANYTHING
    values = range(*numbers[:3])
    if len(values) <= _MAX_ELEMENTS:
        return value_of(Tup(tuple(value_of(Const(value)) for value in values)))
    return value_of(Iter(ANYTHING, nonempty=True))


def _only_looks(frame: Frame, args: Args, node: ast.Call) -> Value:
    """`len`, `isinstance`, `id`: no artifact is read."""
    hand_over(frame, args, node)
    return ANYTHING


def _as_text(frame: Frame, args: Args, _node: ast.Call) -> Value:
    """`print`, `str`: the text of a flow shows the foreach item it works on."""
    if any(FlowSelf() in value for value in args.all()):
        frame.effects.reads_input = True
    return ANYTHING


def _str(frame: Frame, args: Args, node: ast.Call) -> Value:
    """`str`: the string of a text is that text."""
    given = args.get(0, "object")
    value = concatenate(get_text_parts(given)) if given and len(args.all()) == 1 else ANYTHING
    return _as_text(frame, args, node) if value == ANYTHING else value


_LOOKS = "all any bool callable hash id isinstance issubclass len sum dir"
_TEXTS = "ascii format print repr"

_CALLS: dict[str, _Known] = {
    **{f"builtins.{name}": _only_looks for name in _LOOKS.split()},
    **{f"builtins.{name}": _as_text for name in _TEXTS.split()},
    **{f"builtins.{name}": _same for name in ("iter", "list", "tuple")},
    **{f"builtins.{name}": _reordered for name in ("frozenset", "reversed", "set", "sorted")},
    **{f"builtins.{name}": _any_element for name in ("max", "min")},
    "builtins.dict": _dict,
    "builtins.enumerate": _enumerate,
    "builtins.filter": _filter,
    "builtins.map": _map,
    "builtins.next": _next,
    "builtins.range": _range,
    "builtins.str": _str,
    "builtins.zip": _zip,
    "collections.OrderedDict": _dict,
    "collections.deque": _same,
    "functools.reduce": _reduce,
    "itertools.chain": _chain,
    "itertools.chain.from_iterable": _chain_all,
    "itertools.islice": _part,
    "itertools.zip_longest": _zip,
    "metaflow.S3": _only_looks,  # `S3(run=self)` asks for the name and ids of the run
    "metaflow.parallel_imap_unordered": _map,
    "metaflow.parallel_map": _map,
    **NAMING_CALLS,
}


@invokes(ExternalName)
def _external_name(frame: Frame, atom: ExternalName, args: Args, node: ast.Call) -> Value:
    known = _CALLS.get(atom.dotted)
    if known is not None:
        return known(frame, args, node)
    client = client_call(frame, atom.dotted, args)
    return unknown_call(frame, args, node) if client is None else client
