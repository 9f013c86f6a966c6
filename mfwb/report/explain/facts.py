"""Lines of text on the facts of an artifact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from mfwb.pipeline.explain import Explanation, TaskArtifact
from mfwb.report.explain.lines import Line, columns
from mfwb.report.explain.reasons import explain_kind, why_not_more
from mfwb.report.fit import Wrapped
from mfwb.report.format import human_size
from mfwb.report.lineage.phrases import TIMES, join_names, name_tasks, task_name
from mfwb.safe_text import one_line
from mfwb.snapshot import ArtifactRef
from mfwb.snapshot.pathspec import step_of

__all__ = ["fact_lines", "origin"]

_FEW = 6
_SHA = 8  # letters of a sha1 that are shown of many
_KILO = 1000
_PARAMETERS = {
    "Parameter": "a parameter",
    "Config": "a config",
    "IncludeFile": "an included file",
    "constant": "a class variable",
}


def origin(explanation: Explanation) -> str:
    """Return which tasks have the artifact, which one wrote it, and whether contents differ."""
    if explanation.parameter is not None:
        return f"{_PARAMETERS.get(explanation.parameter.kind, 'a parameter')} of the flow run"
    artifacts = explanation.artifacts
    handed_on = [artifact for artifact in artifacts if artifact.producer != artifact.task]
    own = len(artifacts) - len(handed_on)
    holders = _name_tasks([artifact.task for artifact in artifacts], explanation.among)
    if not handed_on:
        sentence = f"written by {holders}"
    elif own:
        sentence = (
            f"written by {own:,} of {holders}; others pass on what {_writers(handed_on)} wrote"
        )
    else:
        sentence = f"passed on by {holders}; written by {_writers(handed_on)}"
    return sentence + _agreement(artifacts)


def fact_lines(explanation: Explanation) -> Iterator[Line]:
    """Yield type, size, sha1 and encoding, and the kind with its reasons."""
    if explanation.parameter is not None:
        yield Line("what", _what(explanation.parameter.ref))
    else:
        yield Line("what", _contents(explanation.artifacts))
    yield from _kinds(explanation.artifacts)


# --- tasks that have it ---------------------------------------------------------------------


def _name_tasks(tasks: Sequence[str], among: int) -> str:
    if len(tasks) == 1 and among == 1:
        return task_name(tasks[0])
    return name_tasks(tasks, step_of(tasks[0]), among)


def _writers(artifacts: Sequence[TaskArtifact]) -> str:
    return join_names(sorted({task_name(artifact.producer) for artifact in artifacts}))


def _agreement(artifacts: Sequence[TaskArtifact]) -> str:
    if len(artifacts) == 1:
        return ""
    contents = len({artifact.ref.sha1 for artifact in artifacts})
    if contents == 1:
        return ", all equal"
    return ", all different" if contents == len(artifacts) else f", {contents:,} contents"


# --- its contents ---------------------------------------------------------------------------


def _what(ref: ArtifactRef, attempt: int | None = None) -> Text:
    exact = f" ({ref.size:,} bytes)" if ref.size >= _KILO else ""
    facts = [f"{human_size(ref.size)}{exact}", one_line(ref.encoding) or "encoding not recorded"]
    if attempt is not None:
        facts.append(f"attempt {attempt}")
    text = Text(one_line(ref.type) or "type not recorded", style="bold")
    text.append(f"\n{', '.join(facts)}", style="not bold")
    return text.append(f"\nsha1 {one_line(ref.sha1)}", style="not bold dim")


def _contents(artifacts: Sequence[TaskArtifact]) -> Text | Table:
    """Return the content if there is only one, or a line for each content."""
    by_content: dict[str, list[TaskArtifact]] = defaultdict(list)
    for artifact in artifacts:
        by_content[artifact.ref.sha1].append(artifact)
    if len(by_content) == 1:
        attempts = {artifact.attempt for artifact in artifacts}
        return _what(artifacts[0].ref, attempts.pop() if len(attempts) == 1 else None)
    rows = [_row(alike) for alike in by_content.values()]
    heading = sorted({one_line(artifact.ref.type) for artifact in artifacts})
    encodings = sorted({one_line(artifact.ref.encoding) for artifact in artifacts})
    table = columns(rows[:_FEW])
    if len(rows) > _FEW:
        table.add_row(Text(f"and {len(rows) - _FEW:,} more", style="dim"))
    whole = Table.grid()
    whole.add_column()
    whole.add_row(Wrapped(Text(f"{' or '.join(heading)}", style="bold")))
    whole.add_row(Wrapped(Text(", ".join(encodings))))
    whole.add_row(table)
    return whole


def _row(alike: Sequence[TaskArtifact]) -> list[Text]:
    first = alike[0]
    more = f" {TIMES} {len(alike):,}" if len(alike) > 1 else ""
    attempt = "" if first.attempt is None else f"attempt {first.attempt}"
    return [
        Text(task_name(first.task) + more),
        Text(human_size(first.ref.size)),
        Text(f"sha1 {one_line(first.ref.sha1[:_SHA])}", style="dim"),
        Text(attempt, style="dim"),
    ]


# --- what it is for W&B ---------------------------------------------------------------------


def _kinds(artifacts: Sequence[TaskArtifact]) -> Iterator[Line]:
    """Yield the kind with its reason; if tasks differ, one line for each kind."""
    by_kind: dict[tuple[str, str], list[TaskArtifact]] = defaultdict(list)
    for artifact in artifacts:
        kind = artifact.reason.classification.kind.value
        by_kind[kind, explain_kind(artifact.reason)].append(artifact)
    for (kind, why), alike in by_kind.items():
        names = join_names([task_name(artifact.task) for artifact in alike])
        of_tasks = "" if len(by_kind) == 1 else f" ({names})"
        text = Text.assemble((kind, "bold"), f": {why}{of_tasks}")
        yield Line("kind", text)
        for effect, reason in why_not_more(alike[0].reason).items():
            yield Line("", Text(f"{effect}: {reason}", style="yellow"))
