"""What is required of mfwb, and whether the figures hold it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bench.figures import Figures, Helps

__all__ = ["Line", "Results", "Unit", "lines_of"]

_MEGABYTE = 1_000_000


class Unit(Enum):
    """What a figure counts."""

    SECONDS = "seconds"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class Results:
    """All that was measured."""

    script: Figures
    step: Figures
    task: Figures
    again: Figures
    helps: Helps


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of mfwb, beside that of what it is compared with."""

    label: str
    baseline: float
    ours: float
    unit: Unit
    times_less: float | None = None  # required: so many times less than the baseline
    below: int | None = None  # required: below so much

    @property
    def ratio(self) -> float:
        """How many times less mfwb takes."""
        return self.baseline / self.ours

    @property
    def is_met(self) -> bool | None:
        """Whether the requirement is met; None if there is none."""
        if self.times_less is not None:
            return self.ratio >= self.times_less
        if self.below is not None:
            return self.ours < self.below
        return None


def lines_of(results: Results) -> list[Line]:
    """Return the figures that matter, with what is required of them."""
    return [*_times(results), *_memory(results), *_disk(results)]


def _times(results: Results) -> list[Line]:
    script, step, task, again = results.script, results.step, results.task, results.again
    helps, unit = results.helps, Unit.SECONDS
    return [
        Line("sync per step", script.seconds, step.seconds, unit, times_less=20),
        Line("sync per task", script.seconds, task.seconds, unit, times_less=12),
        Line("sync again, unchanged", script.seconds, again.seconds, unit),
        Line("  processor, per step", script.cpu, step.cpu, unit),
        Line("  processor, per task", script.cpu, task.cpu, unit),
        Line("--help of wandb, mfwb", helps.wandb, helps.mfwb, unit, times_less=2),
    ]


def _memory(results: Results) -> list[Line]:
    script, step, task, limit = results.script, results.step, results.task, 300 * _MEGABYTE
    unit = Unit.BYTES
    return [
        Line("peak memory, per step", script.main_peak, step.main_peak, unit, below=limit),
        Line("peak memory, per task", script.main_peak, task.main_peak, unit, below=limit),
        Line("  all processes, step", script.tree_peak, step.tree_peak, unit),
        Line("  all processes, task", script.tree_peak, task.tree_peak, unit),
    ]


def _disk(results: Results) -> list[Line]:
    script, step, task, unit = results.script, results.step, results.task, Unit.BYTES
    return [
        Line("disk, per step", script.allocated, step.allocated, unit, times_less=10),
        Line("disk, per task", script.allocated, task.allocated, unit, times_less=10),
        Line("  in bytes, per step", script.apparent, step.apparent, unit),
        Line("  in bytes, per task", script.apparent, task.apparent, unit),
    ]
