"""Random step bodies, and an object that records the reads and writes of a running step."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

from hypothesis import strategies as st

NAMES = ("p", "q", "r")

_SIMPLE = [
    "print(self.{n})",
    "self.{n} = 1",
    "self.{n} = self.{m}",
    "self.{n}, self.{m} = 1, 2",
    "self.{n} += 1",
    "self.{n}: int = 1",
    "del self.{n}",
    "setattr(self, '{n}', 1)",
    "getattr(self, '{n}')",
    "delattr(self, '{n}')",
    "hasattr(self, '{n}')",
    "self.h()",
    "print(self.prop)",
    "self.g(2)",
    "outer(self)",
    "f = lambda: self.{n}",
    "f = self.h",
    "f()",
    "boom()",
    "[self.{n} for k in some() if self.{m}]",
    "y = self.{n} if c() else self.{m}",
    "y = c() and self.{n}",
    "me = self; me.{n} = 1",
    "for k in ('p', 'q'): setattr(self, k, 1)",
    "[self.h() for k in some()]",
    "y = any(self.{n} for k in some())",
    "c() or setattr(self, '{n}', 1)",
    "self.__dict__['{n}'] = 1",
    "assert c(), self.{n}",
]
_LEAVING = ["return", "raise Boom"]
_LEAVING_LOOP = ["break", "continue"]
# What could go on for ever calls `deeper` first, which raises in the end: where no `finally` of its
# own body can swallow that.
_BLOCKS = [
    "if c():\n{a}",
    "if c():\n{a}\nelse:\n{b}",
    "for k in some():\n{loop}",
    "for k in (1, 2):\n{loop}",
    "for self.{n} in some():\n{loop}",
    "for k in some():\n{loop}\nelse:\n{b}",
    "for k in ('p', 'r'):\n    setattr(self, k, 1)\n{loop}",
    "while c():\n{loop}",
    "while c():\n{loop}\nelse:\n{b}",
    "while True:\n    deeper()\n{loop}\n    if c(): break",
    "try:\n{a}\nexcept Boom:\n{b}",
    "try:\n{a}\nfinally:\n{b}",
    "try:\n{a}\nexcept Boom:\n{b}\nelse:\n{a2}\nfinally:\n{b2}",
    "with suppress(Boom):\n{a}",
    "with open_() as self.{n}:\n{a}",
    "match number():\n    case 0:\n{deep_a}\n    case 1 if c():\n{deep_b}",
    "match number():\n    case 0:\n{deep_a}\n    case _:\n{deep_b}",
    "def f():\n{function}",
]


@st.composite
def blocks(draw: st.DrawFn, depth: int = 3, *, in_loop: bool = False) -> str:
    """Return some statements."""
    lines = [
        draw(_statement(depth, in_loop=in_loop))
        for _ in range(draw(st.integers(min_value=1, max_value=4)))
    ]
    return "\n".join(lines)


@st.composite
def _statement(draw: st.DrawFn, depth: int, *, in_loop: bool) -> str:
    n, m = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES))
    kind = draw(st.integers(min_value=0, max_value=9))
    if kind == 0:
        return draw(st.sampled_from(_LEAVING + (_LEAVING_LOOP if in_loop else [])))
    if kind < 6 or depth == 0:
        return draw(st.sampled_from(_SIMPLE)).format(n=n, m=m)
    template = draw(st.sampled_from(_BLOCKS))
    parts = {
        key: indent(draw(blocks(depth - 1, in_loop=in_loop)), "    ")
        for key in ("a", "b", "a2", "b2")
        if "{" + key + "}" in template
    }
    if "{loop}" in template:
        parts["loop"] = indent(draw(blocks(depth - 1, in_loop=True)), "    ")
    if "{function}" in template:
        parts["function"] = indent(draw(blocks(depth - 1)), "    ")
    for key in ("deep_a", "deep_b"):
        if key in template:
            parts[key] = indent(draw(blocks(depth - 1, in_loop=in_loop)), " " * 8)
    return template.format(n=n, m=m, **parts)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Return the source of a flow with one step `a` and helpers that it may call."""
    bodies = {name: draw(blocks(depth)) for name, depth in (("a", 3), ("h", 2), ("p", 1), ("o", 1))}
    member = {name: indent(body, " " * 8) for name, body in bodies.items()}
    return (
        "from contextlib import suppress\n"
        "from metaflow import FlowSpec, step\n"
        f"def outer(self):\n    f = print\n    deeper()\n{indent(bodies['o'], '    ')}\n"
        "class F(FlowSpec):\n"
        f"    @step\n    def a(self):\n        f = print\n{member['a']}\n"
        f"    def h(self):\n        f = print\n        deeper()\n{member['h']}\n"
        f"    @property\n    def prop(self):\n        f = print\n        deeper()\n{member['p']}\n"
        "    def g(self, n):\n        if n:\n            self.g(n - 1)\n            print(self.q)\n"
        "        else:\n            self.p = 1\n"
    )


class Boom(Exception):  # noqa: N818 - it is what the programs raise
    """Raised by chance."""


class TooLong(BaseException):
    """A run that would never end."""


@dataclass
class Record:
    """What one run really did."""

    reads: set[str] = field(default_factory=set)
    writes: set[str] = field(default_factory=set)
    deletes: set[str] = field(default_factory=set)
    at_end: set[str] | None = None  # None: it did not end normally


class _Recorder:
    """Has every attribute; those it was not given come from the parents."""

    def __init__(self, record: Record) -> None:
        object.__setattr__(self, "_record", record)

    _record: Record

    def __getattr__(self, name: str) -> int:
        self._record.reads.add(name)
        return 1

    def __setattr__(self, name: str, value: object) -> None:
        self._record.writes.add(name)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        self._record.deletes.add(name)
        self.__dict__.pop(name, None)


class _Context:
    def __enter__(self) -> int:
        return 1

    def __exit__(self, *_: object) -> None:
        pass


def run(program: str, seed: int) -> Record:
    """Return what a program did when its conditions fell as the seed has it."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    record = Record()
    left = [300]

    def spend(value: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise TooLong
        return value

    def boom(*_: object) -> None:
        if spend(chance.random() < 0.4):
            raise Boom

    def deeper() -> None:
        spend(None)

    names: dict[str, Any] = {
        "Boom": Boom,
        "FlowSpec": _Recorder,
        "boom": boom,
        "c": lambda: spend(chance.random() < 0.5),
        "deeper": deeper,
        "number": lambda: spend(chance.randrange(3)),
        "open_": _Context,
        "print": lambda *_: None,
        "some": lambda: spend(range(chance.randrange(3))),
        "step": lambda function: function,
        "suppress": suppress,
    }
    text = program.replace("from metaflow import FlowSpec, step\n", "\n")
    exec(compile(text, "program", "exec"), names)  # noqa: S102 - a program of our own
    flow = names["F"](record)
    with suppress(Boom, AssertionError, RecursionError, TooLong):
        flow.a()
        record.at_end = set(flow.__dict__) & set(NAMES)
    return record


_GROWING = [
    "{x} = [{x}, {y}]",
    "{x} = {{'k': {x}, {n}: {y}}}",
    "{x}.append({y})",
    "{x}['k'] = {y}",
    "{x}['k'].append({{'v': {y}}})",
    "{x}[{n}]['k'] = {x}",
    "{x} = dict({y})",
    "{x} = list({y}.values())",
    "{x} = {y}['k']",
    "{x} = {y}[-1]",
    "{x} = {x} + {y}",
    "{x} += {y}",
    "{x}.update({y})",
    "{x}.extend([{x}, {y}])",
    "{x}, {y} = {y}, ({x}, {y})",
    "{x} = [[{y}, i] for i in {x}]",
    "{x} = {{k: {x} for k, v in {y}.items()}}",
    "{x} = lambda: ({x}, {y})",
    "{x} = {y}({x})",
    "{x} = self.h({y})",
    "{x} = sorted({x}, key=lambda v: {y})",
    "{x} = functools.reduce(lambda a, b: [a, b], {y})",
    "{x} = f'{{{x}}}{{{x}}}'",
    "{x} = self",
    "{x} = self.h",
    "self.p = {x}",
    "send({x})",
    "def {x}(v={y}): return [{x}, v, {y}]",
    "def {x}(*v):\n    nonlocal {y}\n    {y} = [{y}, v, {x}]\n    return {x}({y})",
]
_AROUND = [
    "for {x} in {y}:",
    "for i in (1, 2, 3):",
    "for k, {x} in {y}.items():",
    "while {x}:",
    "if {x}:",
    "with {x}() as {y}:",
    "def {x}({y}=None):",
    "class {x}:",
]


@st.composite
def nested(draw: st.DrawFn, depth: int = 5) -> str:
    """Return statements that put what they have into each other, again and again."""
    lines = []
    for _ in range(draw(st.integers(min_value=1, max_value=5))):
        around = {
            "x": draw(st.sampled_from("stuv")),
            "y": draw(st.sampled_from("stuv")),
            "n": draw(st.integers(min_value=0, max_value=2)),
        }
        if depth and draw(st.booleans()):
            head = draw(st.sampled_from(_AROUND)).format(**around)
            lines.append(f"{head}\n{indent(draw(nested(depth - 1)), '    ')}")
        else:
            lines.append(draw(st.sampled_from(_GROWING)).format(**around))
    return "\n".join(lines)
