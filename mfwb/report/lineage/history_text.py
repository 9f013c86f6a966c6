"""The history of one artifact as text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from mfwb.lineage import Edge, Evidence
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.console import printed
from mfwb.report.fit import print_wrapped
from mfwb.report.format import count
from mfwb.report.lineage.history import ArtifactHistory, Version
from mfwb.report.lineage.layout import Fact, Node, print_tree
from mfwb.report.lineage.phrases import (
    TIMES,
    join_names,
    name_tasks,
    size_of,
    task_name,
    type_of,
    value_of,
)
from mfwb.report.lineage.reasons import Reasons
from mfwb.report.lineage.steps import views_of
from mfwb.report.lineage.totals import doubt_lines
from mfwb.report.lineage.tree import flow_run_headline
from mfwb.safe_text import one_line
from mfwb.snapshot.pathspec import PARAMETERS, step_of

__all__ = ["history_to_text"]

_LONG = 12
"""If a step wrote more versions, its last line counts the rest."""

_SHA = 8  # letters of a sha1 that are shown


def history_to_text(
    history: ArtifactHistory, traced: TracedFlowRun, *, console: Console, explain: bool = False
) -> str:
    """Return the text on an artifact, in the width and the colours of a console."""
    reasons = Reasons(traced)
    builder = _NodeBuilder(history, traced, reasons if explain else None)
    kind = "a parameter" if history.parameter else "an artifact"
    headline = Text.assemble((one_line(history.name), "bold green"), (f"  {kind} of ", "dim"))
    root = Node(headline.append_text(flow_run_headline(traced.flow_run)))
    root.inside.extend(builder.nodes())
    in_doubt = {
        step_of(edge.consumer)
        for version in history.versions
        for edge in version.uses
        if edge.evidence is Evidence.AVAILABLE
    }
    with console.capture() as capture:
        print_tree(root, console)
        print_wrapped(Text(_total(history), style="bold"), console)
        doubtful = [view for view in views_of(traced) if view.name in in_doubt]
        for line in doubt_lines(doubtful, reasons):
            console.print(line)
    return printed(capture.get())


def _total(history: ArtifactHistory) -> str:
    uses = [edge for version in history.versions for edge in version.uses]
    users = {edge.consumer for edge in uses}
    versions = count(len(history.versions), "version")
    contents = len({version.ref.sha1 for version in history.versions})
    if contents < len(history.versions):
        versions += f" of {count(contents, 'content')}"
    if history.last_user is None:
        return f"{versions}, used by no task"
    last = task_name(history.last_user)
    return f"{versions}, used by {count(len(users), 'task')}, at last by {last}"


class _NodeBuilder:
    """Builds a node of the tree for each step that wrote the artifact."""

    def __init__(
        self, history: ArtifactHistory, traced: TracedFlowRun, reasons: Reasons | None
    ) -> None:
        self._history = history
        self._reasons = reasons
        self._steps = {step.name: step for step in traced.flow_run.steps}

    def nodes(self) -> Iterator[Node]:
        """Yield a node for each step that wrote a version, in the order in which they ran."""
        by_step: dict[str, list[Version]] = defaultdict(list)
        for version in self._history.versions:
            by_step[version.step].append(version)
        for step, versions in by_step.items():
            yield Node(self._headline(step, versions), list(self._facts(step, versions)))

    def _headline(self, step: str, versions: Sequence[Version]) -> Text:
        if step == PARAMETERS:
            return Text.assemble(("parameters", "bold"), ("  set it", "dim"))
        total = len(self._steps[step].tasks)
        text = Text(one_line(step), style="bold")
        if total > 1:
            some = f"{len(versions):,}" if len(versions) == total else f"{len(versions)} of {total}"
            text.append(f" {TIMES} {some} tasks", style="not bold cyan")
        before = [producer for version in versions for producer in version.changes]
        note = f"changed what {self._name_tasks(before)} wrote" if before else "made it"
        return text.append(f"  {note}", style="not bold dim")

    def _facts(self, step: str, versions: Sequence[Version]) -> Iterator[Fact]:
        if step == PARAMETERS and self._history.parameter is not None:
            value = self._history.parameter.value
            yield Fact("value", Text(value_of(value)), _what(versions[0]))
        else:
            yield from self._wrote(versions)
        again = [(version, version.assigned_again) for version in versions]
        yield from self._kept("assigned", again, versions)
        passed = [(version, version.passed_on) for version in versions]
        yield from self._kept("passed on", passed, versions)
        yield from self._used(versions)

    def _wrote(self, versions: Sequence[Version]) -> Iterator[Fact]:
        shown = versions if len(versions) <= _LONG else versions[: _LONG - 1]
        for version in shown:
            yield Fact("wrote", Text(task_name(version.producer)), _what(version))
        if len(versions) > len(shown):
            rest = len(versions) - len(shown)
            yield Fact("wrote", Text(f"and {rest:,} more", style="dim"), Text())

    def _kept(
        self,
        label: str,
        kept: Iterable[tuple[Version, Sequence[str]]],
        versions: Sequence[Version],
    ) -> Iterator[Fact]:
        """Yield one line for each step, or for several steps with the same note."""
        passed: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for version, by in kept:
            for task in by:
                passed[step_of(task)][version.producer].append(task)
        by_note: dict[str, list[str]] = defaultdict(list)
        for by_producer in passed.values():
            tasks = [task for some in by_producer.values() for task in some]
            by_note[self._only(by_producer, versions)] += tasks
        for note, tasks in by_note.items():
            yield Fact(label, Text(f"by {self._name_tasks(tasks)}"), Text(note, style="dim"))

    def _used(self, versions: Sequence[Version]) -> Iterator[Fact]:
        by_user: dict[tuple[str, Evidence], list[Edge]] = defaultdict(list)
        for version in versions:
            for edge in version.uses:
                by_user[step_of(edge.consumer), edge.evidence].append(edge)
        for (step, evidence), edges in by_user.items():
            why = evidence.value
            if self._reasons is not None:
                why = self._reasons.why(step, self._history.name, evidence)
            only = self._only({edge.producer for edge in edges}, versions)
            yield Fact(
                "used by",
                Text(
                    self._name_tasks(edge.consumer for edge in edges),
                    style="dim" if evidence is Evidence.AVAILABLE else "",
                ),
                Text(", ".join(filter(None, (why, only))), style="dim"),
            )

    def _only(self, producers: Collection[str], versions: Sequence[Version]) -> str:
        """Return a note that names the versions; empty if it is all of them."""
        return (
            "" if len(producers) == len(versions) else f"only {self._name_tasks(sorted(producers))}"
        )

    def _name_tasks(self, pathspecs: Iterable[str]) -> str:
        """Return the names of tasks of any steps."""
        by_step: dict[str, dict[str, None]] = defaultdict(dict)
        for pathspec in pathspecs:
            by_step[step_of(pathspec)][pathspec] = None
        return join_names(
            [
                name_tasks(tasks, step, len(self._steps[step].tasks))
                for step, tasks in by_step.items()
            ],
            _LONG,
        )


def _what(version: Version) -> Text:
    ref = version.ref
    sha = f"{one_line(ref.sha1[:_SHA]):<{_SHA}}"
    return Text.assemble((f"{sha}  ", "dim"), type_of([ref]), (f"  {size_of([ref])}", "dim"))
