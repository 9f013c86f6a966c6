"""State at one point of a function, and the merge of states where two paths meet."""

from __future__ import annotations

from dataclasses import dataclass, field

from mfwb.lineage.static_analysis.domain.bounds import limit_size
from mfwb.lineage.static_analysis.domain.values import Value

__all__ = ["Exits", "State", "merge_states", "unreachable"]


@dataclass(slots=True)
class State:
    """The state at one point.

    Attributes:
        sure: attributes of the flow: True, certainly written since the function began; False,
            possibly deleted since. All others are as they were before the function.
        names: the values of local names.
        alive: whether the point can be reached.
    """

    sure: dict[str, bool] = field(default_factory=dict)
    names: dict[str, Value] = field(default_factory=dict)
    is_reachable: bool = True

    def copy(self) -> State:
        """Return an independent copy."""
        return State(dict(self.sure), dict(self.names), self.is_reachable)

    def size(self) -> int:
        """Return the number of names in the state."""
        return len(self.sure) + len(self.names)


def unreachable() -> State:
    """Return the state of a point that no path reaches."""
    return State(is_reachable=False)


def merge_states(first: State, second: State) -> State:
    """Return the state where two paths meet."""
    if not first.is_reachable:
        return second.copy()
    if not second.is_reachable:
        return first.copy()
    sure = {
        name: first.sure.get(name) is True and second.sure.get(name) is True
        for name in first.sure.keys() | second.sure.keys()
        if first.sure.get(name) == second.sure.get(name)
        or False in (first.sure.get(name), second.sure.get(name))
    }
    names = dict(first.names)
    for name, value in second.names.items():
        known = names.get(name)
        names[name] = value if known is None or known is value else limit_size(known | value)
    return State(sure, names)


@dataclass(slots=True)
class Exits:
    """The states in which a block is left other than at its end."""

    returns: State = field(default_factory=unreachable)
    breaks: State = field(default_factory=unreachable)
    continues: State = field(default_factory=unreachable)
