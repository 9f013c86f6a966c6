"""Runs the blocks of pages, in their order, on one machine.

A sync takes seconds of a processor, so what an earlier page ran is not run again: its result counts
for both. What one page shows twice is run twice, since something happened in between.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from mfwb.cli.app import mfwb
from tests.docs.blocks import Block, read_blocks
from tests.docs.normal import differences
from tests.docs.scene import Scene
from tests.support.sandbox import Finished

__all__ = ["NOT_RUN", "TESTED", "Checked", "check_pages", "is_explained", "is_run", "write_page"]

NOT_RUN = "not run"
TESTED = "tested in"
_BEFORE, _OUTPUT, _CODE, _FIRST = "before", "output of", "exit code", "first"
NOTES = (NOT_RUN, TESTED, _BEFORE, _OUTPUT, _CODE, _FIRST)
"""How a note of a block begins."""
_RUN = {"console", "python", "toml"}


@dataclass(frozen=True)
class Checked:
    """A block that was run: what is wrong with it, and what it should say."""

    block: Block
    problems: tuple[str, ...]
    lines: tuple[str, ...]


def is_run(block: Block) -> bool:
    """Return whether a block is run here."""
    if block.note(NOT_RUN) is not None or block.note(TESTED) is not None:
        return False
    if "| jq " in block.text and shutil.which("jq") is None:
        return False
    return block.language in _RUN or block.note(_OUTPUT) is not None


def is_explained(block: Block) -> bool:
    """Return whether a block is run, or says why it is not, or where it is."""
    return (
        block.language in _RUN
        or is_run(block)
        or any(block.note(start) is not None for start in (NOT_RUN, TESTED))
    )


class _Session:
    """What was run on a machine so far."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._done: dict[str, Finished] = {}
        self._on_this_page: set[str] = set()

    def begin_page(self) -> None:
        """Start as in a new terminal."""
        self.scene.go_home()
        self._on_this_page.clear()

    def prepare(self, line: str) -> Finished:
        """Run a command, unless that was done."""
        if line not in self._done or not line.startswith("mfwb "):
            self._done[line] = self.scene.run(line)
        self._on_this_page.add(line)
        return self._done[line]

    def show(self, line: str) -> Finished:
        """Return how a command of the page ends."""
        command = line.partition(" #")[0].strip()
        if command in self._on_this_page:
            self._done.pop(command)
        return self.prepare(command)


def check_pages(pages: Sequence[Path], scene: Scene) -> list[Checked]:
    """Run the blocks of pages; return what was found for each.

    All blocks of Python are run at the end, in one process, which imports wandb once.
    """
    session = _Session(scene)
    result: list[Checked] = []
    python: list[Block] = []
    for page in pages:
        session.begin_page()
        for block in filter(is_run, read_blocks(page)):
            if block.language == "python":
                python.append(block)
            elif block.language == "toml":
                result.append(_settings(block))
            else:
                result.append(_console(block, session))
    if python:
        session.begin_page()
        result += _python(python, session)
    return sorted(result, key=lambda one: (one.block.page, one.block.first))


def write_page(page: Path, checked: Sequence[Checked]) -> bool:
    """Write what the blocks should say into their page; return whether it changed."""
    lines = page.read_text(encoding="utf-8").splitlines()
    before = [*lines]
    for one in reversed(checked):
        if one.problems and one.lines:
            block = one.block
            lines[block.first : block.last] = [
                f"{block.indent}{line}".rstrip() for line in one.lines
            ]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lines != before


def _console(block: Block, session: _Session) -> Checked:
    problems: list[str] = []
    for line in block.all_notes(_BEFORE):
        done = session.prepare(line)
        problems += _of_exit(line, done, 0)
    code = int(block.note(_CODE) or 0)
    output = block.note(_OUTPUT)
    if output is not None:
        done = session.show(output)
        problems += _of_exit(output, done, code)
        real = _printed(done, block)
        changed = [] if problems else differences(block.lines, real)
        return Checked(block, (*problems, *changed), real if changed else ())
    lines: list[str] = []
    commands = block.commands
    for number, command in enumerate(commands, start=1):
        last = number == len(commands)
        done = session.show(command.line)
        real = _printed(done, block)
        failed = _of_exit(command.line, done, code if last else 0)
        problems += failed
        changed = differences(command.output, real) if command.output and not failed else []
        problems += changed
        lines.append(f"$ {command.line}")
        lines += real if changed else command.output
        if command.output and not last:
            lines.append("")
    return Checked(block, tuple(problems), tuple(lines))


def _settings(block: Block) -> Checked:
    """Have mfwb read a settings file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "block.toml")
        file.write_text(block.text, encoding="utf-8")
        done = CliRunner().invoke(mfwb, ["config", "show", "--config", str(file)])
    problems = () if done.exit_code == 0 else ("settings that mfwb refuses", done.output)
    return Checked(block, problems, ())


def _printed(done: Finished, block: Block) -> tuple[str, ...]:
    text = done.out if done.code == 0 else done.out + done.err
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    most = block.note(_FIRST)
    if most is not None and len(lines) > int(most.split()[0]):
        lines = [*lines[: int(most.split()[0])], "..."]
    return tuple(lines)


def _of_exit(line: str, done: Finished, code: int) -> list[str]:
    if done.code == code:
        return []
    return [f"exit code {done.code} in place of {code}: {line}", *done.err.splitlines()[-12:]]


def _python(blocks: Sequence[Block], session: _Session) -> list[Checked]:
    wrong: dict[Block, list[str]] = {}
    for block in blocks:
        for line in block.all_notes(_BEFORE):
            wrong.setdefault(block, []).extend(_of_exit(line, session.prepare(line), 0))
    done = session.scene.run_python({block.location: block.text for block in blocks})
    wrong.setdefault(blocks[0], []).extend(_of_exit("python", done, 0))
    return [Checked(block, tuple(wrong.get(block, ())), ()) for block in blocks]
