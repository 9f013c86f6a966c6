"""numpy's masked arrays, as they can be read: items, and None for what is masked."""

from __future__ import annotations

from typing import Any, Literal

from mfwb.conversion.json_safe import ARRAY_LIMIT
from mfwb.pickles import Allowed
from mfwb.pickles.placeholders import StandIn

__all__ = ["MASKED_ARRAYS"]


class _Masked(StandIn):
    """Stands for a masked array: it keeps its state, and makes an array of it when asked.

    Such are the columns of the results of scikit-learn's searches, one for each parameter.
    """

    _state: tuple[Any, ...] = ()

    def __init__(self, *_arguments: Any) -> None:
        """Take what says that it is one."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Keep the state; it comes at most once, which the rehearsal sees to."""
        self._state = state

    def as_plain(self) -> Any:
        """Return an array; any error if the state is not as numpy writes it."""
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
    """Stands for the class, which its pickle says beside what makes one."""


MASKED_ARRAYS: Allowed = {
    "numpy.ma.core._mareconstruct": lambda: _Masked,
    "numpy.ma.MaskedArray": lambda: _Name,
    "numpy.ma.core.MaskedArray": lambda: _Name,
}
