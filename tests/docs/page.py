"""Runs the blocks of one page, in their order, on one machine."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docs.blocks import Block, read_blocks
from tests.docs.normal import differences
from tests.docs.scene import Scene
from tests.support.sandbox import Finished

__all__ = ["NOT_RUN", "TESTED", "Checked", "check_page", "is_explained", "is_run", "write_page"]

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


def check_page(page: Path, scene: Scene) -> list[Checked]:
    """Run the blocks of a page; return what was found for each."""
    blocks = [block for block in read_blocks(page) if is_run(block)]
    result = [
        _settings(block, scene) if block.language == "toml" else _console(block, scene)
        for block in blocks
        if block.language != "python"
    ]
    python = [block for block in blocks if block.language == "python"]
    if python:
        result += _python(python, scene)
    return sorted(result, key=lambda one: one.block.first)


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


def _console(block: Block, scene: Scene) -> Checked:
    problems: list[str] = []
    for line in block.all_notes(_BEFORE):
        done = scene.run(line)
        problems += _of_exit(line, done, 0)
    code = int(block.note(_CODE) or 0)
    output = block.note(_OUTPUT)
    if output is not None:
        done = scene.run(output)
        problems += _of_exit(output, done, code)
        real = _printed(done, block)
        changed = [] if problems else differences(block.lines, real)
        return Checked(block, (*problems, *changed), real if changed else ())
    lines: list[str] = []
    commands = block.commands
    for number, command in enumerate(commands, start=1):
        last = number == len(commands)
        done = scene.run(command.line)
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


def _settings(block: Block, scene: Scene) -> Checked:
    """Have mfwb read a settings file."""
    file = scene.folder / "block.toml"
    file.write_text(block.text, encoding="utf-8")
    done = scene.run(f"mfwb config show --config {file.name}")
    file.unlink()
    return Checked(block, tuple(_of_exit("the settings", done, 0)), ())


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


def _python(blocks: Sequence[Block], scene: Scene) -> list[Checked]:
    for block in blocks:
        for line in block.all_notes(_BEFORE):
            done = scene.run(line)
            if done.code:
                return [Checked(block, tuple(_of_exit(line, done, 0)), ())]
    done = scene.run_python([block.text for block in blocks])
    problems = tuple(_of_exit("python", done, 0))
    return [Checked(block, problems if block is blocks[0] else (), ()) for block in blocks]
