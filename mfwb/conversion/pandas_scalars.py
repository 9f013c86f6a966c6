"""Readable forms of pandas' timestamps and time spans; pandas is not imported for them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from mfwb.pickles import Allowed
from mfwb.pickles.placeholders import StandIn

__all__ = ["PANDAS_SCALARS"]

_PER_SECOND = {7: 1, 8: 10**3, 9: 10**6, 10: 10**9}
"""Units per second, by pandas' number for the unit; older versions have only nanoseconds."""

_NANOSECONDS = 10
_START = datetime(1970, 1, 1, tzinfo=timezone.utc)


class _Timestamp(StandIn):
    def __init__(
        self, units: int, _freq: Any, zone: Any = None, unit: int = _NANOSECONDS, *_more: Any
    ) -> None:
        self._units, self._zone, self._unit = units, zone, unit

    def as_plain(self) -> str:
        """Return the timestamp in ISO 8601, with nanoseconds."""
        nanoseconds = self._units * 10**9 // _PER_SECOND[self._unit]
        microseconds, rest = divmod(nanoseconds, 1000)
        moment = _START + timedelta(microseconds=microseconds)
        moment = moment.astimezone(self._zone if isinstance(self._zone, tzinfo) else timezone.utc)
        if self._zone is None:
            moment = moment.replace(tzinfo=None)
        if not rest:
            return moment.isoformat()
        text = moment.isoformat(timespec="microseconds")
        end = text.index(".") + 7
        return f"{text[:end]}{rest:03}{text[end:]}"


class _Timedelta(StandIn):
    def __init__(self, units: int, unit: int = _NANOSECONDS, *_more: Any) -> None:
        self._units, self._unit = units, unit

    def as_plain(self) -> float:
        """Return the time span in seconds."""
        return self._units / _PER_SECOND[self._unit]


class _NoTime(StandIn):
    def __init__(self, *_: Any) -> None:
        pass

    def as_plain(self) -> str:
        """Return "NaT", as pandas writes it."""
        return "NaT"


class _Missing(StandIn):
    def as_plain(self) -> None:
        """Return None, the counterpart of pandas' NA."""


_NA = _Missing()

PANDAS_SCALARS: Allowed = {
    "pandas._libs.tslibs.timestamps._unpickle_timestamp": lambda: _Timestamp,
    "pandas._libs.tslibs.timedeltas._timedelta_unpickle": lambda: _Timedelta,
    "pandas._libs.tslibs.nattype._nat_unpickle": lambda: _NoTime,
    "pandas._libs.tslibs.nattype.__nat_unpickle": lambda: _NoTime,
    "pandas.NA": lambda: _NA,
    "pandas._libs.missing.NA": lambda: _NA,
}
