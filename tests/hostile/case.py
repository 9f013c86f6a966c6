"""What one attack is, and the list of all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.hostile.scene import Scene
    from tests.hostile.stored_run import StoredRun

__all__ = ["ALL", "Build", "Case", "attack"]

Build = Callable[["StoredRun", "Scene"], None]


@dataclass(frozen=True)
class Case:
    """A flow run that somebody tampered with.

    Attributes:
        name: family and function.
        row: of the table of ways in, in README.md.
        story: what is tried, in a sentence.
        build: tampers with a copy of an honest flow run.
        explain: the artifact that `mfwb explain` is asked about, below the flow run.
        ends: how the flow run may end: `failed`, `lost`, or `any`, which includes harmlessly right.
        sampled: whether it is in the sample, of which `make test` takes the first of each kind.
        alone: whether it spoils the folder of the flow, so that it needs one of its own.
    """

    name: str
    row: str
    story: str
    build: Build
    explain: str
    ends: str
    sampled: bool
    alone: bool


ALL: dict[str, Case] = {}
"""Every case by its name."""


def attack(  # noqa: PLR0913 - each has a default that fits most
    row: str,
    *,
    explain: str = "start/frame",
    ends: str = "any",
    sampled: bool = False,
    alone: bool = False,
    name: str = "",
    story: str = "",
) -> Callable[[Build], Build]:
    """Return a decorator that adds a function to the list; its docstring is the story."""

    def add(build: Build) -> Build:
        function = getattr(build, "__name__", "")
        family = getattr(build, "__module__", "").rpartition(".")[-1]
        title = f"{family}-{name or function.strip('_').replace('_', '-')}"
        text = story or (inspect.getdoc(build) or "").partition("\n")[0]
        if title in ALL or not text:
            raise ValueError(f"{title} is there twice, or says nothing")
        ALL[title] = Case(title, row, text, build, explain, ends, sampled, alone)
        return build

    return add
