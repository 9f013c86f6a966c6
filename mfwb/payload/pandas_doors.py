"""Stand-ins for what holds the data of pandas' frames and series, and trusts whom it holds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["block_manager", "single_block_manager"]

COLUMN_LIMIT = 1_000_000
"""Columns; the labels of any number of them take no bytes."""


def block_manager(blocks: Sequence[Any], axes: Sequence[Any]) -> Any:
    """Stand in for pandas' BlockManager, which trusts the places that blocks claim."""
    managers = import_module("pandas.core.internals.managers")  # it has no type stubs
    if len(axes[0]) > COLUMN_LIMIT:
        raise ValueError(f"a frame of more than {COLUMN_LIMIT:,} columns")
    for block in blocks:
        if len(block.mgr_locs) != _columns_of(block):
            raise ValueError("a block of the frame claims places that it can't fill")
    manager = managers.BlockManager(tuple(blocks), list(axes), verify_integrity=True)
    places = sorted(place for block in manager.blocks for place in block.mgr_locs)
    if places != list(range(len(axes[0]))):
        raise ValueError("blocks of the frame are out of place")
    return manager


@cache
def single_block_manager() -> type:
    """Return what stands in for pandas' SingleBlockManager, which a Series holds."""
    managers = import_module("pandas.core.internals.managers")

    class Checked(managers.SingleBlockManager):  # type: ignore[misc, name-defined]
        """As long as its labels, and of one dimension."""

        __slots__ = ()

        def __setstate__(self, state: Any) -> None:
            super().__setstate__(state)
            (block,), (labels,) = self.blocks, self.axes
            sizes = {len(labels), len(block.values), len(block.mgr_locs)}
            if len(sizes) != 1 or block.ndim != 1 or getattr(block.values, "ndim", 1) != 1:
                raise ValueError("the values of a series are not as many as its labels")

    return Checked


def _columns_of(block: Any) -> int:
    values = block.values
    return len(values) if values.ndim > 1 else 1
