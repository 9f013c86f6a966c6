"""A way to damage a project, and what a verification has to find of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support.wandb_damage import Damage

__all__ = ["Case", "Found", "Registry"]


@dataclass(frozen=True)
class Found:
    """A difference that has to be found.

    Attributes:
        kind: of the item.
        item: without the pathspec of the flow run; it begins with the step, if it is of one.
        cause: words that its cause contains.
        left_because: why no sync mends it; empty if one does.
        step: whose W&B run it names, if it is an alias of one W&B run.
    """

    kind: str
    item: str
    cause: str = ""
    left_because: str = ""
    step: str = ""


@dataclass(frozen=True)
class Case:
    """A way to damage a project.

    Attributes:
        damage: does it.
        found: exactly what a verification finds.
        read_data: whether it is found with the bytes alone.
        verify: further arguments of the verification.
    """

    damage: Callable[[Damage], object]
    found: tuple[Found, ...]
    read_data: bool = False
    verify: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """In plain words."""
        return self.damage.__name__.replace("_", " ")


class Registry(list[Case]):
    """The cases of a module."""

    def __call__(
        self, *found: Found, **options: Any
    ) -> Callable[[Callable[[Damage], object]], Callable[[Damage], object]]:
        """Return a decorator that adds a function as a case."""

        def add(damage: Callable[[Damage], object]) -> Callable[[Damage], object]:
            self.append(Case(damage, found, **options))
            return damage

        return add
