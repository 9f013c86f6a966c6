"""Readable form of numpy's masked arrays: their items, and None for masked ones."""

from __future__ import annotations

from typing import Any, Literal

from mfwb.conversion.json_safe import ARRAY_LIMIT
from mfwb.pickles import Allowed
from mfwb.pickles.placeholders import StandIn

__all__ = ["MASKED_ARRAYS"]


class _Masked(StandIn):
    """Stand-in for a masked array: keeps the state, and builds an array from it on request.

    Results of scikit-learn's searches have such columns, one for each parameter.
    """

    _state: tuple[Any, ...] = ()

    def __init__(self, *_arguments: Any) -> None:
        """Accept and ignore the arguments."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Keep the state; the preflight has checked that it is set at most once."""
        self._state = state

    def as_plain(self) -> Any:
        """Return an array; any error if numpy does not write such a state."""
        import numpy as np  # noqa: PLC0415

        _, shape, dtype, is_fortran, contents, mask, _ = self._state
        order: Literal["F", "C"] = "F" if is_fortran else "C"
        flat: Any
        if isinstance(contents, list):
            flat = np.empty(len(contents), dtype=object)
            flat[:] = contents
        else:
            flat = np.frombuffer(contents, dtype=dtype)
        whole = flat.reshape(shape, order=order)
        if whole.size > ARRAY_LIMIT:
            return whole
        items = whole.astype(object)
        items[np.frombuffer(mask, dtype=bool).reshape(shape, order=order)] = None
        return items


class _Name(StandIn):
    """Stand-in for the class, which the pickle passes to the function that creates an array."""


MASKED_ARRAYS: Allowed = {
    "numpy.ma.core._mareconstruct": lambda: _Masked,
    "numpy.ma.MaskedArray": lambda: _Name,
    "numpy.ma.core.MaskedArray": lambda: _Name,
}
