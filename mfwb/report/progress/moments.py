"""A moment of a call as one line of a given width, or as a whole sentence."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from mfwb.report.format import human_size
from mfwb.report.progress.course import Moment
from mfwb.units.durations import format_duration

__all__ = ["BAR", "cut_line", "fit_line", "moment_line", "moment_sentence"]

_BAR = 20  # columns
_SHORTEST_NAME = 24  # columns; a bar is left out before names become shorter
_GAP = "  "
BAR = "\N{BOX DRAWINGS HEAVY HORIZONTAL}\N{BOX DRAWINGS LIGHT HORIZONTAL}"
"""What a bar is drawn with: what is done, and the rest."""

_ASCII_BAR = "#-"
_ABOUT = "\N{ALMOST EQUAL TO}"
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def moment_line(moment: Moment, width: int, *, ascii_only: bool = False) -> str:
    """Return one line that is no wider: what is done, how far it is, and for how long already.

    On a narrow terminal, the bar goes first, then the time, then what is uploaded.

    Args:
        moment: what to show.
        width: columns.
        ascii_only: draw the bar in ASCII.
    """
    bar = "" if moment.done is None else _bar(moment.done, ascii_only=ascii_only)
    elapsed, upload = _clock(moment.elapsed), upload_text(moment)
    wanted = min(_SHORTEST_NAME, cell_len(moment.text))
    for parts in (
        (bar, moment.count, upload, elapsed),
        (moment.count, upload, elapsed),
        (moment.count, upload),
        (moment.count,),
    ):
        end = "".join(f"{_GAP}{part}" for part in parts if part)
        if (room := width - cell_len(end)) >= wanted:
            return f"{fit_line(moment.text, room)}{end}"
    return fit_line(f"{moment.text}{_GAP}{moment.count}", width)


def moment_sentence(moment: Moment) -> str:
    """Return the whole of it, for a line in a log."""
    parts = (moment.text, moment.count, upload_text(moment), format_duration(moment.elapsed))
    return ", ".join(part for part in parts if part)


def upload_text(moment: Moment) -> str:
    """Return how much is uploaded: both numbers are counted, and the time left is an estimate."""
    if not moment.size:
        return ""
    sizes = f"{human_size(moment.sent)} of {human_size(moment.size)} sent"
    if moment.seconds_left is None:
        return sizes
    return f"{sizes}, {_ABOUT} {format_duration(max(1.0, moment.seconds_left))} left"


def fit_line(text: str, width: int) -> str:
    """Return a text that is no wider than so many columns; its middle is left out if need be."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return ""
    head = (width - 1) // 2
    tail = text
    while cell_len(tail) > width - 1 - head:
        tail = tail[1:]
    return f"{set_cell_size(text, head)}{_ELLIPSIS}{tail}"


def cut_line(text: str, width: int) -> str:
    """Return a text that is no wider than so many columns; its end is left out if need be."""
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, width - 1).rstrip()}{_ELLIPSIS}" if width > 1 else ""


def _bar(done: float, *, ascii_only: bool) -> str:
    signs = _ASCII_BAR if ascii_only else BAR
    length = int(min(1.0, done) * _BAR)  # only what is complete is full
    return signs[0] * length + signs[1] * (_BAR - length)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
