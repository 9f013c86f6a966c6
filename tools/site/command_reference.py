"""A Sphinx directive that writes a section for each command of mfwb, from click itself.

    ```{mfwb-commands}
    ```

So the reference can't be stale. Each command and each option has an anchor: `mfwb-sync`,
`mfwb-sync-since`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import click
from docutils import nodes
from docutils.parsers.rst import Directive

from mfwb.cli.app import mfwb

__all__ = ["commands", "setup"]


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield each command with its full name, as `mfwb config trust`, and its context."""
    yield from _below("mfwb", mfwb, click.Context(mfwb, info_name="mfwb"))


def _below(
    name: str, command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    yield name, command, context
    if isinstance(command, click.Group):
        for part in command.list_commands(context):
            child = command.get_command(context, part)
            if child is not None and not child.hidden:
                own = click.Context(child, info_name=part, parent=context)
                yield from _below(f"{name} {part}", child, own)


class CommandReference(Directive):  # type: ignore[misc]
    """`{mfwb-commands}`: a section for each command."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        result: list[nodes.Node] = []
        for name, command, context in commands():
            section = _section(name, command, context)
            self.state.document.note_explicit_target(section)
            result.append(section)
        return result


def _section(name: str, command: click.Command, context: click.Context) -> nodes.section:
    anchor = name.replace(" ", "-")
    section = nodes.section(ids=[anchor], names=[anchor])
    section += nodes.title("", "", nodes.literal("", name))
    for paragraph in (command.help or "").replace("\b\n", "").split("\n\n"):
        section += nodes.paragraph(text=" ".join(paragraph.split()))
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    section += nodes.literal_block(usage, usage, language="text")
    rows = list(_parameters(anchor, command, context))
    if rows:
        section += _table(rows)
    if command.epilog:
        section += nodes.literal_block(command.epilog, command.epilog.rstrip(), language="text")
    return section


def _parameters(
    anchor: str, command: click.Command, context: click.Context
) -> Iterator[tuple[str, str, str, str]]:
    """Yield anchor, heading, form and description of each argument and option."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            heading = getattr(parameter, "heading", "")
            yield f"{anchor}-{_key(parameter)}", heading, record[0], record[1]


def _key(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len).lstrip("-")
    return (parameter.name or "").replace("_", "-")


def _table(rows: list[tuple[str, str, str, str]]) -> nodes.table:
    table = nodes.table(classes=["mfwb-options"])
    group = nodes.tgroup(cols=2)
    table += group
    group += nodes.colspec(colwidth=40)
    group += nodes.colspec(colwidth=60)
    body = nodes.tbody()
    group += body
    shown = None
    for anchor, heading, form, description in rows:
        if heading and heading != shown:
            cell = nodes.entry("", nodes.paragraph("", "", nodes.strong(text=heading)), morecols=1)
            body += nodes.row("", cell)
        shown = heading
        term = nodes.paragraph("", "", nodes.literal("", form))
        body += nodes.row(
            "",
            nodes.entry("", term, ids=[anchor]),
            nodes.entry("", nodes.paragraph(text=description)),
        )
    return table


def setup(app: Any) -> dict[str, bool]:
    """Register the directive with Sphinx."""
    app.add_directive("mfwb-commands", CommandReference)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
