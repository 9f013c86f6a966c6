"""Calls of FlowSpec's own methods: `merge_artifacts` and `next`."""

from __future__ import annotations

import pytest

from mfwb.lineage.static_analysis import Merge
from tests.unit.lineage.static_analysis.reading import (
    step,
)

MERGES = {
    "all": ("self.merge_artifacts(inputs)", Merge()),
    "include": ("self.merge_artifacts(inputs, include=['a', 'b'])", Merge(frozenset("ab"))),
    "exclude": ("self.merge_artifacts(inputs, exclude=('a',))", Merge(None, frozenset("a"))),
    "a set": ("self.merge_artifacts(inputs, include={'a'})", Merge(frozenset("a"))),
    "by position": ("self.merge_artifacts(inputs, ['a'])", Merge(None, frozenset("a"))),
    "none": ("self.merge_artifacts(inputs, include=None, exclude=[])", Merge()),
    "constant": ("self.merge_artifacts(inputs, include=KEEP)", Merge(frozenset("kl"))),
    "class constant": (
        "self.merge_artifacts(inputs, exclude=self.OUT)",
        Merge(None, frozenset("o")),
    ),
    "local": ("l = ['a'] + KEEP\nself.merge_artifacts(inputs, include=l)", Merge(frozenset("akl"))),
    "super": ("super().merge_artifacts(inputs)", Merge()),
}


@pytest.mark.parametrize("case", MERGES)
def test_merge(case: str) -> None:
    """What a merge takes along is told when its names are constants."""
    body, merge = MERGES[case]

    result = step(body, above="KEEP = ['k', 'l']", members="OUT = ['o']")

    assert result.merges == (merge,)
    assert result.doubts == ()


@pytest.mark.parametrize(
    "names", ["f()", "[n for n in l]", "[n]", "['a'] if c else ['b']", "KEEP", "[*l]"]
)
def test_computed_merge_is_doubted(names: str) -> None:
    """Computed names: all may come through, and it is said."""
    result = step(
        f"self.merge_artifacts(inputs, include={names})", above="KEEP = [1]; KEEP.append(2)"
    )

    assert result.merges == (Merge(),)
    assert len(result.doubts) == 1


def test_merged_artifact_is_read_afterwards() -> None:
    """A merge does not make an artifact the step's own."""
    result = step("self.merge_artifacts(inputs)\nself.y = 1\nprint(self.x, self.y)")

    assert result.reads == {"x"}


NEXT = {
    "self.next(self.b)": ("b",),
    "self.next(self.c, self.b)": ("b", "c"),
    "self.next({'x': self.c, 'y': self.b}, condition='k')": ("b", "c"),
    "self.next({True: self.b, False: self.a}, condition='done')": ("a", "b"),
    "if c:\n    self.next(self.b)\nelse:\n    self.next(self.c)": ("b", "c"),
    "nxt = self.b if c else self.c\nself.next(nxt)": ("b", "c"),
}


@pytest.mark.parametrize("body", NEXT)
def test_next(body: str) -> None:
    """The steps that come next are no reads."""
    members = "@step\ndef b(self):\n    pass\n@step\ndef c(self):\n    pass"

    result = step(body, members=members)

    assert result.next == NEXT[body]
    assert result.reads <= {"k", "done"}
    assert result.doubts == ()
