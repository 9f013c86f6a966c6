"""Reads that may come from the parents, and certain writes, on every path."""

from __future__ import annotations

import pytest

from tests.unit.lineage.static_analysis.reading import HEAD, always, flow_code, reads, step

READS = {
    "a plain read": ("print(self.x)", "x"),
    "after a write": ("self.x = 1\nprint(self.x)", ""),
    "in its own write": ("self.x = self.x + 1", "x"),
    "augmented": ("self.x += 1", "x"),
    "augmented after a write": ("self.x = 1\nself.x += 1", ""),
    "an item is set": ("self.x[0] = 1", "x"),
    "an item is augmented": ("self.x[self.y] += 1", "x y"),
    "an item is deleted": ("del self.x[0]", "x"),
    "a method call": ("self.x.append(1)", "x"),
    "an attribute is set": ("self.x.y = 2", "x"),
    "a deeper attribute": ("print(self.x.y.z)", "x"),
    "tuple targets": ("self.x, (self.y, *self.z) = f()\nprint(self.x, self.y, self.z)", ""),
    "annotated": ("self.x: int = 1\nprint(self.x)", ""),
    "only annotated": ("self.x: int\nprint(self.x)", "x"),
    "if without else": ("if c:\n    self.x = 1\nprint(self.x)", "x"),
    "if with else": ("if c:\n    self.x = 1\nelse:\n    self.x = 2\nprint(self.x)", ""),
    "elif": ("if c:\n  self.x = 1\nelif d:\n  self.x = 2\nprint(self.x)", "x"),
    "the other way returns": ("if c:\n    return\nelse:\n    self.x = 1\nprint(self.x)", ""),
    "the other way raises": ("if c:\n    raise E\nelse:\n    self.x = 1\nprint(self.x)", ""),
    "after a return": ("return\nprint(self.x)", ""),
    "for may not begin": ("for i in l:\n    self.x = 1\nprint(self.x)", "x"),
    "for target": ("for self.x in l:\n    print(self.x)", ""),
    "for target afterwards": ("for self.x in l:\n    pass\nprint(self.x)", "x"),
    "for surely begins": ("for i in (1, 2):\n    self.x = 1\nprint(self.x)", ""),
    "range surely begins": ("for i in range(100000):\n    self.x = 1\nprint(self.x)", ""),
    "the second round": ("for i in l:\n    print(self.x)\n    self.x = 1", "x"),
    "deleted in the round before": (
        "self.x = 1\nfor i in l:\n    print(self.x)\n    del self.x",
        "x",
    ),
    "for else": ("for i in l:\n    pass\nelse:\n    self.x = 1\nprint(self.x)", ""),
    "for else with break": (
        "for i in l:\n    break\nelse:\n    self.x = 1\nprint(self.x)",
        "x",
    ),
    "a write before the break": (
        "for i in l:\n  if i:\n    self.x = 2\n    break\nelse:\n  self.x = 1\nprint(self.x)",
        "",
    ),
    "continue skips": (
        "for i in (1, 2):\n    if i:\n        continue\n    self.x = 1\nprint(self.x)",
        "x",
    ),
    "while": ("while c:\n    self.x = 1\nprint(self.x)", "x"),
    "while true": ("while True:\n    self.x = 1\n    break\nprint(self.x)", ""),
    "while true, break before": (
        "while True:\n    if c:\n        break\n    self.x = 1\nprint(self.x)",
        "x",
    ),
    "while test": ("while self.x:\n    self.x = 1", "x"),
    "try may fail": ("try:\n    self.x = f()\nexcept E:\n    pass\nprint(self.x)", "x"),
    "handler writes": ("try:\n    self.x = f()\nexcept E:\n    self.x = 0\nprint(self.x)", ""),
    "handler raises": ("try:\n    self.x = f()\nexcept E:\n    raise\nprint(self.x)", ""),
    "handler reads": ("try:\n    self.x = f()\nexcept E:\n    print(self.x)", "x"),
    "try else": (
        "try:\n    f()\nexcept E:\n    self.x = 0\nelse:\n    self.x = 1\nprint(self.x)",
        "",
    ),
    "finally reads": ("try:\n    self.x = f()\nfinally:\n    print(self.x)", "x"),
    "finally writes": ("try:\n    f()\nfinally:\n    self.x = 0\nprint(self.x)", ""),
    "after try finally": ("try:\n    self.x = f()\nfinally:\n    g()\nprint(self.x)", ""),
    "deleted while trying": (
        "self.x = 1\ntry:\n    del self.x\n    self.x = f()\nexcept E:\n    print(self.x)",
        "x",
    ),
    "with": ("with open(p) as self.f:\n    self.x = 1\nprint(self.x, self.f)", ""),
    "with suppress": (
        "with contextlib.suppress(E):\n    self.x = f()\nprint(self.x)",
        "x",
    ),
    "ternary": ("y = self.p if self.b else self.c", "b c p"),
    "and": ("y = self.b and self.c", "b c"),
    "match all": (
        "match k:\n    case 1:\n        self.x = 1\n    case _:\n        self.x = 2\nprint(self.x)",
        "",
    ),
    "match some": ("match k:\n    case 1:\n        self.x = 1\nprint(self.x)", "x"),
    "match value": ("match k:\n    case self.v:\n        pass", "v"),
    "match subject and guard": ("match self.k:\n    case y if self.g:\n        pass", "g k"),
    "del": ("del self.x\nprint(self.x)", "x"),
    "written then deleted": ("self.x = 1\ndel self.x\nprint(self.x)", "x"),
    "deleted then written": ("del self.x\nself.x = 1\nprint(self.x)", ""),
    "maybe deleted": ("self.x = 1\nif c:\n    del self.x\nprint(self.x)", "x"),
    "comprehension": ("y = [self.x for i in self.l if self.c]", "c l x"),
    "f-string": ("print(f'{self.x:{self.w}}')", "w x"),
    "lambda": ("f = lambda: self.x", "x"),
    "lambda after a write": ("self.x = 1\nf = lambda: self.x", ""),
    "lambda before a write": ("f = lambda: self.x\nself.x = 1", "x"),
    "lambda, then deleted": ("self.x = 1\nf = lambda: self.x\ndel self.x", "x"),
    "an inner function": ("def f():\n    return self.x\nself.y = 1\nprint(f(), self.y)", "x"),
    "an inner function may not run": ("def f():\n    self.x = 1\nf()\nprint(self.x)", "x"),
    "an inner function deletes": (
        "def f():\n    del self.x\nself.x = 1\nf()\nprint(self.x)",
        "x",
    ),
    "an inner class": ("class C:\n    def m(me):\n        return self.x", "x"),
    "walrus": ("if (y := self.x):\n    pass", "x"),
    "assert": ("assert self.x, self.y", "x y"),
    "raise": ("raise E(self.x) from self.y", "x y"),
    "decorator of an inner function": ("@self.d\ndef f():\n    pass", "d"),
    "default of an inner function": ("def f(y=self.x):\n    pass", "x"),
    "alias": ("me = self\nme.x = 1\nprint(me.x, self.x, me.y)", "y"),
    "alias by tuple": ("me, y = self, 1\nprint(me.x)", "x"),
    "alias in one branch": ("me = self if c else other\nme.x = 1\nprint(self.x)", "x"),
    "await": ("async def f():\n    await self.x", "x"),
    "starred": ("f(*self.x, **self.y)", "x y"),
    "slices": ("y = z[self.p:self.b, self.c]", "b c p"),
    "chained comparison": ("y = 1 < self.x < self.y", "x y"),
    "yield": ("def g():\n    yield self.x\n    yield from self.y", "x y"),
}


@pytest.mark.parametrize("case", READS)
def test_reads(case: str) -> None:
    """Only what is not surely written before counts as read from the parents."""
    body, expected = READS[case]

    assert reads(body) == expected


ALWAYS = {
    "straight": ("self.x = 1", "x"),
    "one branch": ("if c:\n    self.x = 1", ""),
    "both branches": ("if c:\n    self.x = self.y = 1\nelse:\n    self.x = 2", "x"),
    "a raise does not count": ("if c:\n    raise E\nself.x = 1", "x"),
    "an early return does": ("if c:\n    return\nself.x = 1", ""),
    "deleted at the end": ("self.x = 1\ndel self.x", ""),
    "return in try": ("try:\n    self.x = 1\n    return\nfinally:\n    self.y = 1", "x y"),
    "loop": ("for i in l:\n    self.x = 1", ""),
    "swallowed": ("try:\n    self.x = f()\nexcept E:\n    pass", ""),
    "never ends": ("raise E", ""),
    "for over inputs": ("for i in inputs:\n    self.x = i.x", "x"),
    "augmented": ("self.x += 1", "x"),
}


@pytest.mark.parametrize("case", ALWAYS)
def test_always_writes(case: str) -> None:
    """What is assigned on every way to the normal end."""
    body, expected = ALWAYS[case]

    assert always(body) == expected


def test_writes_and_deletes_may_happen() -> None:
    """Any way counts."""
    result = step("if c:\n    self.x = 1\n    del self.y\nfor self.z in l:\n    pass")

    assert result.writes == {"x", "z"}
    assert result.deletes == {"y"}


def test_name_of_the_first_argument() -> None:
    """`self` is only a habit."""
    result = flow_code(HEAD + "class F(FlowSpec):\n @step\n def a(me):\n  me.y = me.x")

    assert result.steps["a"].reads == {"x"}
    assert result.steps["a"].writes == {"y"}
