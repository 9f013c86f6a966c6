"""Layout of the help: options under headings, all descriptions in one column."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["Command", "Group", "HelpedArgument", "HelpedOption", "HiddenFromClick"]


class HelpedOption(click.Option):
    """An option that is shown under a heading, and whose value is not empty.

    An empty one usually comes from a variable of a shell that is not set.
    """

    def __init__(self, *args: Any, heading: str, may_be_empty: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading
        self._may_be_empty = may_be_empty

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value of its type; BadParameter if it is empty."""
        if not self._may_be_empty:
            _refuse_empty(ctx, self, value)
        return super().type_cast_value(ctx, value)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the two cells of its line in the help, without the ranges that click adds."""
        record = super().get_help_record(ctx)
        return record and (record[0], self.help or "")


class HelpedArgument(click.Argument):
    """An argument with a description in the help, which click's own arguments lack."""

    def __init__(self, *args: Any, heading: str, help: str, **kwargs: Any) -> None:  # noqa: A002 - click's word
        super().__init__(*args, **kwargs)
        self.heading = heading
        self.description = help

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value of its type; BadParameter if it is empty."""
        _refuse_empty(ctx, self, value)
        return super().type_cast_value(ctx, value)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:  # noqa: ARG002 - click's signature
        """Return the two cells of its line in the help."""
        return self.metavar or self.human_readable_name, self.description


def _refuse_empty(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value == "" or (isinstance(value, (list, tuple)) and "" in value):
        raise click.BadParameter("it is empty", ctx=ctx, param=parameter)


class _Formatter(click.HelpFormatter):
    """Help with bold headings; click removes the bold if the output is no terminal."""

    def write_heading(self, heading: str) -> None:
        super().write_heading(click.style(heading, bold=True))


class _Context(click.Context):
    formatter_class = _Formatter


_LONGER_THAN_ANY_SENTENCE = 1_000


class _WithExamples(click.Command):
    """A command whose epilog is lines of examples, shown as they are."""

    context_class = _Context

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002 - click's signature
        """Return the first sentence of the help, never cut off: a list of commands wraps it."""
        return super().get_short_help_str(_LONGER_THAN_ANY_SENTENCE)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the examples."""
        with formatter.section("Examples"):
            for line in (self.epilog or "").splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Command(_WithExamples, click.Command):
    """A command whose options are shown under their headings.

    It is refused at its start if a version of Python or of an SDK is too old, unless
    `needs_known_versions` is false.
    """

    needs_known_versions = True

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each heading, in the order in which they first appear."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections.setdefault(getattr(parameter, "heading", ""), []).append(record)
        # click aligns each section for itself, so all first cells get the same length.
        width = max(len(term) for records in sections.values() for term, _ in records)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{term:<{width}}", text) for term, text in records])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; hide errors from click for which it would end the program itself.

        It assumes that every broken pipe is stdout, and reports nothing.
        """
        if self.needs_known_versions:
            from mfwb.sdk_versions import refuse_old_versions  # noqa: PLC0415 - help does without

            refuse_old_versions()
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, EOFError, OSError) as error:
            raise HiddenFromClick(error) from error


class HiddenFromClick(Exception):  # noqa: N818 - it carries an error
    """Carries the error that really ended a command."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class Group(_WithExamples, click.Group):
    """A group that lists its commands in the order in which they are used, under headings."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.headings: dict[str, list[str]] = {}

    def add_commands(self, heading: str, *commands: click.Command) -> None:
        """Add commands, which the help lists under a heading."""
        for command in commands:
            self.add_command(command)
            self.headings.setdefault(heading, []).append(command.name or "")

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands as they were added."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each heading, all descriptions in one column."""
        if not self.headings:
            super().format_commands(ctx, formatter)
            return
        width = max(map(len, self.commands))
        for heading, names in self.headings.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (f"{name:<{width}}", self.commands[name].get_short_help_str())
                        for name in names
                    ]
                )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, of which there are many; the first line has the options."""
        if self.headings:
            self.format_commands(ctx, formatter)
        else:
            super().format_options(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant; for an unknown one, an error with similar names."""
        name = args[0]
        if self.get_command(ctx, name) is None and name[:1] != "-" and not ctx.resilient_parsing:
            ctx.fail(f"there is no command {name!r}{self._suggestion(name)}")
        return super().resolve_command(ctx, args)

    def _suggestion(self, name: str) -> str:
        from mfwb.suggestions import did_you_mean  # noqa: PLC0415 - difflib: rarely needed

        if "/" in name and "sync" in self.commands:
            return f"; did you mean `mfwb sync {name}`?"
        return did_you_mean(name, self.commands)
