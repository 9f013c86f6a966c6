"""A verification as text."""

from __future__ import annotations

from io import StringIO

import pytest

from mfwb.report.console import PrintableConsole
from mfwb.report.verification import problem_lines, show_document, show_text
from mfwb.verification_outcome import Difference, FlowRunVerification, Verdict, Verification
from tests.unit.report.verification.samples import DIFFERENT, SAME


def text_of(*flow_runs: FlowRunVerification, width: int = 80, verbose: bool = False) -> str:
    """Return the text at a width."""
    console = PrintableConsole(StringIO(), width=width)
    return show_text(Verification(flow_runs), console=console, verbose=verbose)


def test_a_line_if_it_is_the_same() -> None:
    """One line says all."""
    assert text_of(SAME) == "WineFlow/7  same: 214 items in 5 W&B runs of acme/wines\n"


def test_differences_by_wandb_run() -> None:
    """Each names the item, both values and the likely cause."""
    assert (
        text_of(DIFFERENT)
        == """\
WineFlow/8  different
  2 differences; 214 items in 5 W&B runs of acme/wines; 1 item can't be decided;
  written by mfwb 0.1.0

  the flow run as a whole
    run stray
      Metaflow  nothing
      W&B       "stray"
      because   somebody added it (a sync can't change that)

  train
    summary accuracy
      Metaflow  0.91
      W&B       0.19
      because   somebody changed it in W&B

"""
    )


def test_verbose_lists_what_is_not_known() -> None:
    """Each item with its reason."""
    assert "train model - its pickle needs torch\n" in text_of(DIFFERENT, verbose=True)
    assert "torch" not in text_of(DIFFERENT)


def test_many_flow_runs_end_with_totals() -> None:
    """The last line counts them by verdict."""
    running = FlowRunVerification("WineFlow/9", Verdict.SKIPPED, "it is still running")
    lines = text_of(SAME, running).splitlines()

    assert lines[-1] == "2 flow runs: 1 same, 1 skipped; 214 items compared, 0 requests"


@pytest.mark.parametrize("width", [40, 80, 160])
@pytest.mark.parametrize("verbose", [False, True])
def test_hostile_text_steers_nothing(width: int, *, verbose: bool) -> None:
    """Names, values and causes of strangers stay printable, and cut if they are long."""
    bad = "\x1b[31mred\x1b]0;title\x07 \u202e" + "long " * 2000
    item = Difference(bad, bad, bad, {bad: bad}, [bad, float("nan")], bad)
    hostile = FlowRunVerification(
        bad, Verdict.DIFFERENT, bad, bad, bad, bad, (bad,), {"run": 1}, (item,), ((bad, bad),)
    )
    failed = FlowRunVerification(bad, Verdict.FAILED, bad)

    text = text_of(hostile, failed, width=width, verbose=verbose)
    document, plain = show_document(Verification((hostile, failed)))
    lines = problem_lines(Verification((hostile, failed), notes=(bad,)))

    assert text.replace("\n", "").isprintable()
    assert document.replace("\n", "").isprintable()
    assert plain.isascii()
    assert '"NaN"' in document
    assert all("\n" not in line for line in lines)


def test_of_very_many_differences_the_rest_is_counted() -> None:
    """`--verbose` shows all of them."""
    many = tuple(Difference("config", f"key{n}", "F/1/a", n, None, "why") for n in range(50))
    flow_run = FlowRunVerification("F/1", Verdict.DIFFERENT, differences=many)

    assert "and 30 more, which --verbose shows" in text_of(flow_run)
    assert "key49" in text_of(flow_run, verbose=True)
