"""What was measured, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.measure import DiskUse, Measured

__all__ = ["Figures", "Helps", "Replay", "summed_up"]


@dataclass(frozen=True, slots=True)
class Replay:
    """One replay of the flow run."""

    measured: Measured
    disk: DiskUse
    wandb_runs: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians of several replays."""

    seconds: float
    each_seconds: tuple[float, ...]
    cpu: float  # seconds
    main_peak: int  # bytes
    tree_peak: int  # bytes
    allocated: int  # bytes
    apparent: int  # bytes
    wandb_runs: int


@dataclass(frozen=True, slots=True)
class Helps:
    """Medians of `--help`, in seconds."""

    mfwb: float
    wandb: float


def summed_up(replays: Sequence[Replay]) -> Figures:
    """Return the medians."""
    times = tuple(replay.measured.seconds for replay in replays)
    return Figures(
        seconds=median(times),
        each_seconds=times,
        cpu=median(replay.measured.cpu for replay in replays),
        main_peak=round(median(replay.measured.main_peak for replay in replays)),
        tree_peak=round(median(replay.measured.tree_peak for replay in replays)),
        allocated=round(median(replay.disk.allocated for replay in replays)),
        apparent=round(median(replay.disk.apparent for replay in replays)),
        wandb_runs=replays[0].wandb_runs,
    )
