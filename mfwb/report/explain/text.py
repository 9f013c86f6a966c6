"""An explanation as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from mfwb.pipeline.explain import Explanation
from mfwb.ports import ReadyArtifact
from mfwb.report.console import is_limited, printed
from mfwb.report.explain.effects import effect_lines
from mfwb.report.explain.facts import fact_lines, origin
from mfwb.report.explain.lines import Line, columns, print_lines
from mfwb.report.fit import Wrapped
from mfwb.safe_text import one_line
from mfwb.snapshot import FlowRunState

__all__ = ["to_text"]

_WIDEST = 80
_INDENT = 2
_MANY = 8
"""If there are more losses, the rest is only counted."""


def to_text(explanation: Explanation, *, console: Console) -> str:
    """Return the text, in the colours of a console and at most 80 columns wide."""
    width = min(console.width, _WIDEST) if is_limited(console) else console.width
    with console.capture() as capture:
        _print(Text(one_line(explanation.pathspec), style="bold"), console, width)
        _print(Text(origin(explanation)), console, width, indent=_INDENT)
        console.print()
        lines = [*fact_lines(explanation), *effect_lines(explanation), *_ends(explanation)]
        print_lines(lines, console, width=width)
        for artifact in _shown(explanation):
            _print_artifact(artifact, console, width)
    return printed(capture.get())


def _ends(explanation: Explanation) -> Iterator[Line]:
    losses = explanation.losses
    if not losses:
        yield Line("lost", Text("nothing", style="green"))
    for loss in losses[:_MANY]:
        item = one_line(loss.item.removeprefix(f"{explanation.flow_run}/"))
        yield Line("lost", Text(f"{item}: {one_line(loss.reason)}", style="yellow"))
    if len(losses) > _MANY:
        yield Line("lost", Text(f"and {len(losses) - _MANY:,} more", style="yellow"))
    if explanation.state is FlowRunState.RUNNING:
        text = "the flow run is still running; a sync skips it until it ends"
        yield Line("note", Text(text, style="yellow"))


def _shown(explanation: Explanation) -> list[ReadyArtifact]:
    """Return the W&B artifacts that are shown in full: those of the first W&B run that has any."""
    return next(
        (
            list(replayed.ready.artifacts)
            for replayed in explanation.replayed
            if replayed.ready.artifacts
        ),
        [],
    )


def _print_artifact(artifact: ReadyArtifact, console: Console, width: int) -> None:
    console.print()
    console.print(Text("description", style="dim"))
    for line in artifact.description.splitlines():
        indent = len(line) - len(line.lstrip(" "))
        _print(Text(one_line(line)), console, width, indent=_INDENT + indent)
    console.print()
    console.print(Text("metadata", style="dim"))
    metadata = {**artifact.planned.metadata, **artifact.metadata}
    rows = [[Text(key, style="dim"), Text(value)] for key, value in _flat(metadata)]
    console.print(Padding(columns(rows), (0, 0, 0, _INDENT), expand=False), width=width)


def _flat(metadata: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in metadata.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield one_line(f"{above}{key}"), one_line(text)


def _print(text: Text, console: Console, width: int, *, indent: int = 0) -> None:
    console.print(Padding(Wrapped(text), (0, 0, 0, indent), expand=False), width=width)
