"""Text in a given width: names are whole, or have one ellipsis in their middle."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.report.fit import Name, Wrapped, fit_name, fit_names, print_wrapped, wrap_text
from mfwb.report.lineage import show_lineage
from mfwb.report.result.text import to_text
from mfwb.safe_text import fit_encoding, one_line
from mfwb.snapshot import Loss
from tests.support.examples import examples
from tests.unit.report.lineage.samples import KNOWN
from tests.unit.report.samples import flow_run, made, run, used

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
WIDE = "\u8461\u8404\u9152"  # three letters of two columns each
EMOJI = "\N{WINE GLASS}"
RTL = "\u05d9\u05d9\u05df"
ACCENT = "e\N{COMBINING ACUTE ACCENT}"

_LETTERS = "abcXYZ019_-" + WIDE + EMOJI + RTL
NAMES = st.text(_LETTERS, min_size=1, max_size=60)
HOSTILE = st.sampled_from(
    ["a\x1b[2Jb", "\x1b]8;;http://evil.example\x1b\\x", "\u202egnp.exe", "a\nb", "\x07", "\x9b31m"]
)


def console(width: int = 80, encoding: str | None = None, *, colour: bool = False) -> Console:
    """Return a console of a width, for a stream of an encoding."""
    file = io.TextIOWrapper(io.BytesIO(), encoding) if encoding else io.StringIO()
    return Console(file=file, width=width, force_terminal=colour, highlight=False)


def is_of(shown: str, name: str) -> bool:
    """Return whether a name is shown whole, or with one ellipsis in its middle."""
    if shown == name:
        return True
    head, ellipsis, tail = shown.partition(ELLIPSIS)
    return bool(ellipsis) and name.startswith(head) and name.endswith(tail)


@given(NAMES, st.integers(3, 70))
def test_names(name: str, width: int) -> None:
    """A name that fits is whole; else its ends are as long as there is room."""
    shown = fit_name(Text(name), width, console()).plain

    assert is_of(shown, name)
    assert (shown == name) is (cell_len(name) <= width)
    assert width - 3 < cell_len(shown) <= width or shown == name


def test_an_accent_stays_with_its_letter() -> None:
    """It is not put on the ellipsis."""
    name = "aaaa" + "b" * 20 + ACCENT + "cc"

    assert fit_name(Text(name), 6, console()).plain == f"aaa{ELLIPSIS}cc"
    assert fit_name(Text("abc"), 1, console()).plain == ELLIPSIS
    assert not fit_name(Text("abc"), 0, console()).plain


def test_styles_stay() -> None:
    """Both ends keep their style, and the ellipsis has that of the beginning."""
    name = Text.assemble(("a" * 10, "bold"), ("b" * 10, "red"))
    shown = fit_name(name, 9, console())

    assert [(span.start, span.end, span.style) for span in shown.spans] == [
        (0, 4, "bold"),
        (4, 5, "bold"),
        (5, 9, "red"),
    ]


@given(st.lists(NAMES, max_size=6), st.integers(20, 80), st.booleans())
def test_lists_of_names(names: list[str], width: int, with_note: bool) -> None:  # noqa: FBT001 - a case
    """The first names are shown, and how many there are more; notes come last."""
    notes = [Text("3 values"), Text("1 lost")] if with_note else []
    shown = fit_names([Text(name) for name in names], width, console(), notes=notes).plain
    listed, *_ = shown.partition(" +")

    assert cell_len(shown) <= width
    parts = [part for part in listed.split(", ") if part]
    pairs = list(zip(parts, names, strict=False))
    assert all(is_of(part, name) for part, name in pairs)
    if names and "+" in shown:
        assert f" +{len(names) - len(pairs)}" in shown or ELLIPSIS in shown
    if not names and with_note:
        assert shown == "3 values, 1 lost"


def test_encodings() -> None:
    """Where letters can't be encoded, the columns of their escapes count."""
    ascii_only = console(encoding="ascii")

    assert fit_name(Text("x" * 20), 9, ascii_only).plain == "xxx...xxx"
    assert cell_len(fit_name(Text(WIDE * 5), 20, ascii_only).plain) == 20
    assert fit_name(Text.assemble((WIDE, "bold"), "b"), 20, ascii_only).plain.endswith("b")
    assert fit_encoding(fit_name(Text(WIDE), 30, ascii_only).plain) == "\\u8461\\u8404\\u9152"


def test_texts_wrap_between_words() -> None:
    """A path that is too long wraps after its slashes, a word that is too long is shortened."""

    def wrapped(text: str, width: int, **options: object) -> list[str]:
        lines = wrap_text(Text(text), width, console(), **options)  # type: ignore[arg-type]
        return [line.plain for line in lines]

    assert wrapped("one two three", 8) == ["one two", "three"]
    assert wrapped("a\n\nb", 8) == ["a", "", "b"]
    assert wrapped("see /home/of/some/file", 12) == ["see /home/", "of/some/file"]
    assert wrapped(f"a {'x' * 30} b", 9) == ["a", f"xxxx{ELLIPSIS}xxxx", "b"]
    assert wrapped(f"a {'x' * 30} b", 9, whole=True) == ["a", "x" * 30, "b"]
    assert wrapped("10 in summary, 3 written", 20, gap=", ") == ["10 in summary,", "3 written"]
    assert wrapped("10 in summary, 3 written", 8, gap=", ") == ["10 in", "summary,", "3", "written"]


def test_margins() -> None:
    """Lines stand below each other."""
    target = console(20)
    with target.capture() as capture:
        print_wrapped(Text("one two three four five"), target, indent=2, hanging=2)

    assert capture.get() == "  one two three\n    four five\n"


@given(st.lists(NAMES, min_size=1, max_size=4), st.integers(20, 200))
@settings(deadline=None)
def test_tables(names: list[str], width: int) -> None:
    """Cells of tables fit as other texts do."""
    table = Table(box=None, pad_edge=False)
    table.add_column("name")
    table.add_column("text")
    for name in names:
        table.add_row(Name(Text(name)), Wrapped(Text(f"{name} is the name")))
    target = console(width)
    with target.capture() as capture:
        target.print(table)
    lines = capture.get().splitlines()

    assert all(cell_len(line) <= width for line in lines)


# --- whole reports --------------------------------------------------------------------------


@st.composite
def results(draw: st.DrawFn) -> tuple[Result, list[str]]:
    """Return a result, and the names in it."""
    names = draw(st.lists(st.one_of(NAMES, HOSTILE), min_size=6, max_size=9, unique=True))
    step, other, flow, project, *artifacts = names
    outputs = tuple(made(name, "dataset", 12_345, "v12") for name in artifacts)
    loss = Loss(f"{flow}/7/{step}/{artifacts[0]}", f"{other} can't be read")
    first = run("x", name=f"{flow}/7/{step}", job_type=step, outputs=outputs, losses=(loss,))
    inputs = tuple(used(name, first.name) for name in artifacts)
    second = run("y", name=f"{flow}/7/{other}", job_type=other, inputs=inputs, state="failed")
    url = f"https://wandb.example/acme/{'p' * 40}/groups/G%2F7/workspace"
    whole = flow_run(
        *(first, second),
        pathspec=f"{flow}/7",
        group=f"{flow}/7",
        project=project,
        seconds=3.0,
        url=url,
        status=draw(st.sampled_from([Status.SYNCED, Status.PLANNED, Status.UNCHANGED])),
    )
    failed = FlowRunOutcome(f"{other}/8", Status.FAILED, reason=f"{step} is gone: {flow}")
    many = draw(st.integers(1, 5))
    return Result("sync", (whole, failed, *[whole] * many)[:many]), names


@given(results(), st.integers(20, 200), st.sampled_from(["utf-8", "ascii", "latin-1"]))
@settings(deadline=None, max_examples=examples(150))
def test_no_line_of_a_result_is_wider_than_the_terminal(
    result: tuple[Result, list[str]], width: int, encoding: str
) -> None:
    """Whatever the names are; and nothing in them steers the terminal."""
    target = console(width, encoding, colour=True)
    text = to_text(result[0], console=target)
    seen = [Text.from_ansi(line).plain for line in fit_encoding(text, encoding).split("\n")]

    narrow = 12 + len("unchanged") + 4 + 20  # what a line of a list has at least
    limit = width if len(result[0].flow_runs) <= 3 else max(width, narrow)
    assert max(map(cell_len, seen)) <= limit
    assert all(line.isprintable() for line in seen)


@given(results())
@settings(deadline=None, max_examples=examples(50))
def test_a_file_has_each_name_whole_and_on_one_line(result: tuple[Result, list[str]]) -> None:
    """So that grep finds it, and the steps with it."""
    few = replace(result[0], flow_runs=result[0].flow_runs[:1])
    lines = to_text(few, console=console(1_000_000)).splitlines()
    [whole] = few.flow_runs

    if whole.status is not Status.UNCHANGED:
        first = next(line for line in lines if one_line(whole.wandb_runs[0].job_type) in line)
        assert first
        assert all(
            any(one_line(output.name) in line for line in lines)
            for output in whole.wandb_runs[0].outputs
        )
    assert not any(ELLIPSIS in line for line in lines)


@pytest.mark.parametrize("width", [20, 30, 44, 60, 80, 120, 200])
def test_no_line_of_lineage_is_wider_than_the_terminal(width: int) -> None:
    """With guides, and without colours, too."""
    text, plain = show_lineage(KNOWN, "text", console=console(width, colour=True))

    assert max(cell_len(Text.from_ansi(line).plain) for line in text.split("\n")) <= width
    assert show_lineage(KNOWN, "text", console=console(width, "ascii"))[0].isascii()
    assert plain.isascii()
