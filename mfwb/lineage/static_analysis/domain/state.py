"""What is known at one point of a function, and how two ways to a point are brought together."""

from __future__ import annotations

from dataclasses import dataclass, field

from mfwb.lineage.static_analysis.domain.bounds import limit_size
from mfwb.lineage.static_analysis.domain.values import Value

__all__ = ["Exits", "State", "merge_states", "unreachable"]


@dataclass(slots=True)
class State:
    """What holds at a point.

    Attributes:
        sure: attributes of the flow: True, surely written since the function began; False, may
            have been deleted since. What was before the function holds for all others.
        names: what local names stand for.
        alive: whether the point can be reached.
    """

    sure: dict[str, bool] = field(default_factory=dict)
    names: dict[str, Value] = field(default_factory=dict)
    is_reachable: bool = True

    def copy(self) -> State:
        """Return a state that can be changed on its own."""
        return State(dict(self.sure), dict(self.names), self.is_reachable)

    def size(self) -> int:
        """Return how many names it says something of."""
        return len(self.sure) + len(self.names)


def unreachable() -> State:
    """Return the state of a point that nothing leads to."""
    return State(is_reachable=False)


def merge_states(one: State, two: State) -> State:
    """Return what holds where two ways meet."""
    if not one.is_reachable:
        return two.copy()
    if not two.is_reachable:
        return one.copy()
    sure = {
        name: one.sure.get(name) is True and two.sure.get(name) is True
        for name in one.sure.keys() | two.sure.keys()
        if one.sure.get(name) == two.sure.get(name)
        or False in (one.sure.get(name), two.sure.get(name))
    }
    names = dict(one.names)
    for name, value in two.names.items():
        known = names.get(name)
        names[name] = value if known is None or known is value else limit_size(known | value)
    return State(sure, names)


@dataclass(slots=True)
class Exits:
    """The states in which a block was left other than by its end."""

    returns: State = field(default_factory=unreachable)
    breaks: State = field(default_factory=unreachable)
    continues: State = field(default_factory=unreachable)
