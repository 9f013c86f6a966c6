"""A moment of a call in one line."""

from __future__ import annotations

from rich.cells import cell_len

from mfwb.report.progress.course import Moment
from mfwb.report.progress.moments import cut_line, fit_line, moment_line, moment_sentence

_UPLOAD = Moment("WineFlow/7/train", 0.5, "2/4 W&B runs", 12_000_000, 400_000_000, 75.2, 3_725.0)
_PLAIN = Moment("WineFlow/7/train", 0.999, "3/4 W&B runs", 0, 0, None, 65.0)


def test_a_line_of_each_width() -> None:
    """The bar goes first, then the time, then the upload; nothing is ever wider."""
    assert moment_line(_PLAIN, 79) == f"WineFlow/7/train  {'━' * 19}─  3/4 W&B runs  1:05"
    assert moment_line(_PLAIN, 79, ascii_only=True).count("#") == 19
    assert moment_line(_UPLOAD, 79) == (
        "WineFlow/7/train  2/4 W&B runs  12.0 MB of 400 MB sent, ≈ 1 minute left"
    )
    assert moment_line(_UPLOAD, 100) == (
        "WineFlow/7/train  2/4 W&B runs  12.0 MB of 400 MB sent, ≈ 1 minute left  1:02:05"
    )
    assert moment_line(_UPLOAD, 120).startswith(f"WineFlow/7/train  {'━' * 10}{'─' * 10}  2/4")
    assert moment_line(_PLAIN, 30) == "WineFlow/7/train  3/4 W&B runs"
    for width in range(1, 130):
        for moment in (_PLAIN, _UPLOAD, Moment("漢字" * 40, None, "", 0, 0, None, 0.0)):
            assert cell_len(moment_line(moment, width)) <= width


def test_a_sentence_for_a_log() -> None:
    """It has all of it; only the time left is an estimate."""
    assert moment_sentence(_UPLOAD) == (
        "WineFlow/7/train, 2/4 W&B runs, 12.0 MB of 400 MB sent, ≈ 1 minute left, 1 hour"
    )
    assert moment_sentence(_PLAIN) == "WineFlow/7/train, 3/4 W&B runs, 1 minute"


def test_names_keep_both_ends() -> None:
    """A long name says its flow and its step."""
    assert fit_line("WineFlow/1796014594403839/train", 20) == "WineFlow/…3839/train"
    assert fit_line("short", 20) == "short"
    assert cut_line("WineFlow/7 synced: 5 W&B runs", 20) == "WineFlow/7 synced:…"
    assert cut_line("short", 20) == "short"
