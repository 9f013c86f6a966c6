"""Flows of any graph, made up: lines, splits and foreach in one another, reading and writing.

All values differ, from task to task too, so that no two artifacts are equal by chance.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["write_flow"]

_NAMES = ("apple", "birch", "cedar", "daisy")
_MOST_STEPS = 7  # then it goes straight to its end
_DEEPEST = 2
_HEAD = '''"""Made up."""

from metaflow import FlowSpec, Parameter, current, step


class {name}(FlowSpec):
    """Made up."""

    given = Parameter("given", default="g")

'''
_FOOT = """
if __name__ == "__main__":
    {name}()
"""


@dataclass
class _State:
    """What a task of the step that is being written has. There are no conditions, so it is known.

    Attributes:
        held: names of its artifacts.
        written: those that were written since the last split or foreach: branches may differ.
    """

    held: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)

    def write(self, name: str) -> None:
        self.held.add(name)
        self.written.add(name)


class _Author:
    """Writes the steps of one flow."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - it shall be the same each time
        self._steps: list[str] = []
        self._count = 0

    def flow(self, name: str) -> str:
        """Return the source."""
        state = _State()
        self._sequence("start", "end", state, 0)
        self._step("end", [*self._deeds(state), *self._read_all(state)])
        return _HEAD.format(name=name) + "\n".join(self._steps) + _FOOT.format(name=name)

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"

    def _sequence(self, first: str, after: str, state: _State, depth: int) -> None:
        """Write steps from one called `first` on, the last of which goes to `after`."""
        for _ in range(self._chance.randint(*((2, 3) if depth == 0 else (0, 1)))):
            if self._count >= _MOST_STEPS or depth == _DEEPEST:
                break
            following = self._new("step")
            how = self._chance.choice([self._line, self._split, self._fan])
            how(first, following, state, depth)
            first = following
        self._line(first, after, state, depth)

    def _line(self, name: str, after: str, state: _State, depth: int) -> None:
        del depth  # it is for the others
        self._step(name, [*self._deeds(state), f"self.next(self.{after})"])

    def _split(self, name: str, after: str, state: _State, depth: int) -> None:
        branches = [self._new("branch"), self._new("branch")]
        join = self._new("join")
        targets = ", ".join(f"self.{branch}" for branch in branches)
        self._step(name, [*self._deeds(state), f"self.next({targets})"])
        ends = []
        for branch in branches:
            ends.append(_State(set(state.held)))
            self._sequence(branch, join, ends[-1], depth + 1)
        item, other = ends
        both = item.held & other.held
        clashing = both & (item.written | other.written)
        in_one_only = (item.held | other.held) - both
        self._join(join, after, state, (clashing, both - clashing, in_one_only))

    def _fan(self, name: str, after: str, state: _State, depth: int) -> None:
        body, join, items = self._new("body"), self._new("join"), f"items_of_{name}"
        values = ", ".join(self._value() for _ in range(self._chance.randint(1, 2)))
        deeds = self._deeds(state)
        state.write(items)
        self._step(
            name,
            [*deeds, f"self.{items} = [{values}]", f'self.next(self.{body}, foreach="{items}")'],
        )
        inside = _State(set(state.held))
        self._sequence(body, join, inside, depth + 1)
        alike = inside.held - inside.written
        self._join(join, after, state, (inside.written & inside.held, alike, set()))

    def _join(
        self, name: str, after: str, state: _State, ended: tuple[set[str], set[str], set[str]]
    ) -> None:
        """Settle what differs between the branches or leave it out, and merge the rest."""
        clashing, alike, in_one_only = ended
        lines, settled = [], set()
        for artifact in sorted(clashing):
            how = self._chance.choice(
                [f"inputs[0].{artifact}", f"[one.{artifact} for one in inputs]", ""]
            )
            if how:
                lines.append(f"self.{artifact} = {how}")
                settled.add(artifact)
        left_out = sorted(clashing - settled)
        exclude = f", exclude={left_out!r}" if left_out else ""
        lines.append(f"self.merge_artifacts(inputs{exclude})")
        state.held = alike | settled | in_one_only
        state.written |= clashing | in_one_only
        merged = sorted(alike | in_one_only)
        if merged and self._chance.random() < 0.5:
            lines.append(f"print(self.{self._chance.choice(merged)})")
        self._step(name, [*lines, f"self.next(self.{after})"], inputs=", inputs")

    def _step(self, name: str, lines: list[str], inputs: str = "") -> None:
        if name.startswith("body") and self._chance.random() < 0.7:
            lines.insert(0, "print(self.input)")
        body = "".join(f"        {line}\n" for line in lines or ["pass"])
        self._steps.append(f"    @step\n    def {name}(self{inputs}):\n{body}")

    def _deeds(self, state: _State) -> list[str]:
        """Return lines that read, write and change at random."""
        return [self._deed(state) for _ in range(self._chance.randint(0, 3))]

    def _deed(self, state: _State) -> str:
        held = sorted(state.held & set(_NAMES))
        how = self._chance.choice(["write", "write", "read", "read", "change", "given"])
        if how == "given":
            return "print(self.given)"
        if how == "write" or not held:
            name = self._chance.choice(_NAMES)
            state.write(name)
            return f"self.{name} = [{self._value()}]"
        name = self._chance.choice(held)
        if how == "read":
            return f"print(self.{name})"
        state.write(name)
        return f"self.{name}.append({self._value()})"

    def _read_all(self, state: _State) -> list[str]:
        return [f"print(self.{name})" for name in sorted(state.held)]

    def _value(self) -> str:
        return f'f"{self._chance.getrandbits(40):x} {{current.task_id}}"'


def write_flow(seed: int, folder: Path) -> Path:
    """Write the flow of that seed into a folder, and return its file."""
    path = folder / f"random_{seed}.py"
    path.write_text(_Author(seed).flow(f"Random{seed}"), encoding="utf-8")
    return path
