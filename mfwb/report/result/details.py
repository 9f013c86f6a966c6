"""The details of `--verbose`: every W&B run with all artifacts that it used and made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from mfwb.outcome import FlowRunOutcome, InputOutcome, OutputOutcome, WandbRunOutcome
from mfwb.report.format import planned_size, short_name
from mfwb.safe_text import one_line

__all__ = ["print_details"]

_LABELS = len("switched off")


def print_details(flow_run: FlowRunOutcome, console: Console) -> None:
    """Print each W&B run of a flow run in full, one fact per line, without wrapping or cutting."""
    for run in flow_run.wandb_runs:
        console.print()
        head = Text.assemble("  ", (one_line(run.name), "bold"))
        console.print(head, soft_wrap=True)
        previous = None
        for label, fact in _facts(run, flow_run.pathspec):
            shown = "" if label == previous else label  # a label is printed once for its lines
            line = Text.assemble("    ", (f"{shown:<{_LABELS}}", "dim"), "  ", fact)
            console.print(line, soft_wrap=True)
            previous = label


def _facts(run: WandbRunOutcome, pathspec: str) -> Iterator[tuple[str, str]]:
    yield "id", one_line(run.id)
    yield "state", one_line(run.state)
    if run.url or run.dir:
        yield "see", one_line(run.url or run.dir or "")
    yield from (("used", _used(used, pathspec)) for used in run.inputs)
    yield from (("made", _made(made)) for made in run.outputs)
    for label, names in (
        ("summary", run.summary_keys),
        ("passed on", run.passed_on),
        ("switched off", run.switched_off),
    ):
        if names:
            yield label, _names(names)


def _used(used: InputOutcome, pathspec: str) -> str:
    digest = f", digest {used.digest}" if used.digest else ""
    facts = f"({used.type}, {used.ground}{digest})"
    return (
        f"{one_line(used.name)} ← {one_line(short_name(used.producer, pathspec))} {one_line(facts)}"
    )


def _made(made: OutputOutcome) -> str:
    facts = [made.type, planned_size(made.size, is_estimate=made.size_is_estimate)]
    if made.version:
        facts.append(made.version)
    if made.deduplicated:
        facts.append("same content")
    if made.digest:
        facts.append(f"digest {made.digest}")
    return f"{one_line(made.name)} ({one_line(', '.join(facts))}): {_names(made.files)}"


def _names(names: Iterable[str]) -> str:
    """Return all names in one line: each name has a limited length, their number has no limit."""
    return ", ".join(map(one_line, names))
