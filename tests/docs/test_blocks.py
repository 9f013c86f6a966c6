"""What README.md and docs/ print is what the commands print; `make docs-blocks` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Block, in_order_of_reading, inline_commands, pages, read_blocks
from tests.docs.command_lines import all_options, calls_of, problem_of
from tests.docs.normal import differences, normal
from tests.docs.page import NOT_RUN, NOTES, TESTED, check_pages, is_explained, is_run
from tests.docs.scene import open_scene

OF_EACH_NIGHT = {
    *("doctor.md", "json.md", "limits.md", "python.md", "recipes.md", "report.md", "undo.md"),
}
"""Pages that print no output, and whose commands have tests of their own."""

MOST_NOT_RUN = 40
"""Blocks that need a network, a cloud or another machine. It only goes down."""


@pytest.mark.parametrize(
    "selected",
    [
        pytest.param([page for page in pages() if page.name not in OF_EACH_NIGHT], id="most pages"),
        pytest.param(pages(), id="all pages", marks=pytest.mark.exhaustive),
    ],
)
def test_commands_print_what_the_pages_say(
    selected: Sequence[Path], wine_flow_runs: Path, tmp_path: Path
) -> None:
    """Each command is run in the order of its page; if this fails: `make docs-blocks`."""
    with open_scene(tmp_path / "scene", wine_flow_runs) as scene:
        checked = check_pages(in_order_of_reading(selected), scene)

    wrong = {one.block.location: "\n".join(one.problems) for one in checked if one.problems}
    assert not wrong, "\n\n".join(f"{where}\n{what}" for where, what in wrong.items())
    assert {one.block.page for one in checked} == {
        page for page in selected if any(map(is_run, read_blocks(page)))
    }


def test_pages_of_each_night_print_no_output() -> None:
    """A page with output is compared after each change."""
    printing = [
        block.location
        for page in pages()
        if page.name in OF_EACH_NIGHT
        for block in read_blocks(page)
        if is_run(block) and any(one.output for one in block.commands)
    ]
    assert printing == []


def _inline(page: Path) -> Iterator[tuple[int, str]]:
    """Yield what is a command line, and no message such as `mfwb reads no datastores of type …`."""
    for number, line in inline_commands(page):
        command, left_out, _ = line.partition("…")
        if not left_out or command.split()[1:2] == ["config"]:
            yield number, command.strip()


def test_each_command_line_is_one_of_mfwb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is not run: commands and options exist, and values have the right form."""
    monkeypatch.chdir(tmp_path)  # click opens a `--log-file` while it parses
    lines: list[tuple[str, str, bool]] = []
    for page in pages():
        for block in read_blocks(page):
            lines += [(block.location, line, True) for line in block.command_lines]
        for number, line in _inline(page):
            lines.append((f"{page.relative_to(ROOT)}:{number}", line, False))

    problems = [
        f"{location}: {line}: {problem}"
        for location, line, whole in lines
        for call in calls_of(line)
        if (problem := problem_of(call, whole=whole))
    ]
    assert problems == []


def test_the_flow_of_the_quick_start_is_the_example() -> None:
    """The page shows all of the file that its next block runs, but for the file's docstring."""
    (shown,) = (
        block.text
        for block in read_blocks(ROOT / "docs" / "quickstart.md")
        if block.language == "python"
    )
    assert (ROOT / "examples" / "hello_flow.py").read_text(encoding="utf-8").endswith(f"\n{shown}")


def test_each_block_is_run_or_has_a_reason() -> None:
    """A note above a block says why it is not run; CONTRIBUTING.md has the notes."""
    blocks = [block for page in pages() for block in read_blocks(page)]
    unknown = [
        f"{block.location}: {note}"
        for block in blocks
        for note in block.notes
        if not note.startswith(NOTES)
    ]
    unexplained = [block.location for block in blocks if not is_explained(block)]
    silent = [block.location for block in blocks if block.note(NOT_RUN) == ""]
    missing = [
        f"{block.location}: {path}"
        for block in blocks
        if (path := block.note(TESTED)) is not None and not (ROOT / path).is_file()
    ]

    assert (unknown, unexplained, silent, missing) == ([], [], [], [])
    assert len([block for block in blocks if block.note(NOT_RUN) is not None]) <= MOST_NOT_RUN


def test_options_that_help_exist() -> None:
    """Each `--option` that the page of messages names is one of mfwb."""
    of_others = {"--relogin", "--options"}  # of wandb, and of a flow that comes with mfwb
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))

    assert len(named) > 20
    assert named - all_options() - of_others == set()


def test_calls_are_found() -> None:
    """In pipes, after variables and cd, in lists of YAML, behind `$ `."""
    assert [*calls_of("cd ~/flows && mfwb sync --since 7d --quiet")] == [
        ["sync", "--since", "7d", "--quiet"]
    ]
    assert [*calls_of("$ mfwb sync A/1 --json | jq .totals  # one document")] == [
        ["sync", "A/1", "--json"]
    ]
    assert [*calls_of("  command: [mfwb, sync, --since, 7d]")] == [["sync", "--since", "7d"]]
    assert [*calls_of("ExecStart=/usr/local/bin/mfwb status")] == [["status"]]
    assert [*calls_of('mfwb sync "TrainFlow/$(cat run-id)"')] == [["sync", "TrainFlow/1"]]


def test_wrong_lines_are_found() -> None:
    """An option, a command and a value that do not exist."""
    assert problem_of(["sync", "WineFlow/7", "--granularity", "task"]) is None
    assert problem_of(["config", "trust"]) is None
    assert problem_of(["sync", "--no-such-option"]) is not None
    assert problem_of(["no-such-command"]) is not None
    assert problem_of(["sync", "--granularity", "steps"]) is not None


def test_what_differs_between_runs_is_no_difference() -> None:
    """Sizes, times and checksums; but names and numbers are."""
    assert normal("model  432 KB  3776917b  4.1 s") == normal("model   1.2 MB c7969705  12 ms")
    assert differences(["a  5 runs", "..."], ["a 5 runs", "b", "c"]) == []
    assert differences(["a  5 runs"], ["a 6 runs"]) != []
    assert differences(["a", "...", "c"], ["a", "b"]) != []


def test_blocks_of_a_page(tmp_path: Path) -> None:
    """Fenced and indented ones, with notes; a list is no block."""
    page = tmp_path / "page.md"
    page.write_text(
        "a\n\n    $ mfwb plan\n    out\n\n- item\n\n    not a block\n\n"
        "<!-- block: not run, no network -->\n```sh\nmfwb push x\n```\n",
        encoding="utf-8",
    )

    first, second = read_blocks(page)
    assert isinstance(first, Block)
    assert [(one.line, one.output) for one in first.commands] == [("mfwb plan", ("out",))]
    assert (second.language, second.note(NOT_RUN), second.command_lines) == (
        "sh",
        "no network",
        ["mfwb push x"],
    )
