"""Moments as people write them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.units.moments import MOMENT_FORMAT, parse_moment, to_epoch_ms

NOW = 1_795_262_400_000  # 2026-11-21T12:00:00Z
HOUR = 3_600_000


@pytest.fixture(autouse=True)
def in_oslo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use a time zone that is an hour ahead of UTC, and two in summer."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def utc(*parts: int) -> int:
    """Return a moment in UTC in epoch ms."""
    return int(datetime(*parts, tzinfo=timezone.utc).timestamp() * 1000)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90s", 90_000),
        ("90m", HOUR * 3 // 2),
        ("24h", 24 * HOUR),
        ("7d", 7 * 24 * HOUR),
        ("2w", 14 * 24 * HOUR),
        ("1.5h", HOUR * 3 // 2),
        (" 24 H ", 24 * HOUR),
        ("0s", 0),
    ],
)
def test_how_long_ago(text: str, ago: int) -> None:
    """A duration is so long before now."""
    assert parse_moment(text, NOW) == NOW - ago


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", utc(2026, 10, 31, 23)),
        ("2026-07-01", utc(2026, 6, 30, 22)),
        ("2026-11-01T12:00", utc(2026, 11, 1, 11)),
        ("2026-11-01 12:00", utc(2026, 11, 1, 11)),
        ("2026-11-01t12:00:30", utc(2026, 11, 1, 11, 0, 30)),
        ("2026-11-01T12:00:30.250", utc(2026, 11, 1, 11, 0, 30) + 250),
        ("2026-11-01T12:00Z", utc(2026, 11, 1, 12)),
        ("2026-11-01T12:00z", utc(2026, 11, 1, 12)),
        ("2026-11-01T12:00+02:00", utc(2026, 11, 1, 10)),
        ("2026-11-01T12:00:00-05:30", utc(2026, 11, 1, 17, 30)),
    ],
)
def test_date(text: str, moment: int) -> None:
    """A date means its first moment; a time is local unless it has a zone."""
    assert parse_moment(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "24",  # hours? seconds?
        "2026",  # is a year to some
        "-24h",
        "24 parsecs",
        "1e999d",
        "h",
        "20261101",
        "2026-W44",
        "2026-11",
        "2026-11-31",
        "2026-11-01T25:00",
        "2026-11-01T12",
        "2026-11-01Z",
        "2026-11-01T12:00 CET",
        "２４h",  # noqa: RUF001 - digits, but not those one types
    ],
)
def test_no_moment(text: str) -> None:
    """Invalid or ambiguous texts are refused with the valid formats."""
    with pytest.raises(ValueError, match="times are written like") as caught:
        parse_moment(text, NOW)

    assert str(caught.value) == MOMENT_FORMAT


@given(st.text(max_size=30))
def test_any_text(text: str) -> None:
    """Any text is a moment or is refused."""
    try:
        moment = parse_moment(text, NOW)
    except ValueError as error:
        assert str(error) == MOMENT_FORMAT  # noqa: PT017 - both ends are fine
    else:
        assert isinstance(moment, int)


@given(
    st.datetimes(
        min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - the zone is another strategy
        timezones=st.sampled_from([timezone.utc, timezone(timedelta(hours=5, minutes=30))]),
    )
)
def test_what_python_writes(moment: datetime) -> None:
    """ISO 8601 as Python writes it comes back, to the millisecond."""
    assert parse_moment(moment.isoformat(), NOW) == to_epoch_ms(moment)
    assert abs(to_epoch_ms(moment) - moment.timestamp() * 1000) <= 0.5


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31T23:59Z"])
def test_first_and_last_day(text: str) -> None:
    """The ends of the calendar are moments or are refused; they don't crash."""
    try:
        assert isinstance(parse_moment(text, NOW), int)
    except ValueError as error:
        assert str(error) == MOMENT_FORMAT  # noqa: PT017 - both ends are fine
