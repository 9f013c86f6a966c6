"""Names that strangers chose control no terminal, no page and no chart."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stderr
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.text import Text

from mfwb.lineage import rebuild_lineage
from mfwb.outcome import FlowRunOutcome, Result, Status
from mfwb.pipeline.explain import Explanation
from mfwb.pipeline.reading import TracedFlowRun
from mfwb.ports import Destination, Entry, SyncState
from mfwb.report.console import console_for
from mfwb.report.explain import show_explanation
from mfwb.report.lineage import show_lineage
from mfwb.report.problems import problem_lines
from mfwb.report.progress import progress_on_stderr
from mfwb.report.result.document import to_json
from mfwb.report.result.text import to_text
from mfwb.report.status import Listed, status_to_json, status_to_text
from mfwb.snapshot import Failure, FlowRun, Loss, Parameter, TaskState
from mfwb.sync_status import KnownFlowRun, LostItem
from tests.support.flow_runs import at, data_frame, flow_run, model, ref, task
from tests.support.strangers import HOSTILE, anything, assert_inert, poisoned, without_rich
from tests.unit.explained import explained, sample
from tests.unit.report.samples import PLANNED, SYNCED, many_tasks
from tests.unit.sync_statuses import summarize

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have rich believe in a terminal with colours and links."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def assert_printable(show: Any) -> str:
    """Make sure of it in a file and on a terminal, where rich's own colours are."""
    in_file = str(show(console_for(io.StringIO())))
    assert_inert(in_file)
    assert_inert(without_rich(str(show(console_for(Terminal())))))
    return in_file


def assert_json(text: str) -> Any:
    """Make sure that a document can be read, and shown as well."""
    assert_inert(text)
    text.encode()
    return json.loads(text)


@given(
    result=st.sampled_from([SYNCED, PLANNED, Result("sync", (many_tasks(25),))]),
    verbose=st.booleans(),
    text=anything(),
)
@settings(max_examples=12, deadline=None)
def test_results(result: Result, verbose: bool, text: str) -> None:  # noqa: FBT001
    """Tables, losses, links, details and the document of a sync or a plan."""
    failed = FlowRunOutcome(f"F/{text}", Status.FAILED, reason=f"it said {text}")
    few = poisoned(replace(result, flow_runs=(*result.flow_runs, failed), notes=(text,)), text)
    many = replace(few, flow_runs=few.flow_runs * 2)
    for item in (few, many):
        assert_printable(
            lambda console, entry=item: to_text(entry, console=console, verbose=verbose)
        )
        assert_json("".join(to_json(item)))
        assert_json("".join(to_json(item, ascii_only=True, indented=False)))
        assert all(len(line) < 10_000 for line in problem_lines(item))


@given(text=anything())
@settings(max_examples=20, deadline=None)
def test_status(text: str) -> None:
    """The table of `status`, what is open, and its document."""
    where = Destination("online", f"https://x/{text}", f"acme{text}", f"p{text}")
    entries = [
        Entry(f"F{text}/1", "local@/x", where, item, at="2026-11-21T11:00:00Z", reason=text)
        for item in SyncState
    ]
    lost = LostItem(entries[0].flow_run, where, Loss(text, text))
    states = summarize(f"/l{text}", [KnownFlowRun(entry, 1) for entry in entries], [lost])

    for result in (states, replace(states, flows=())):
        for listed in Listed:
            assert_printable(
                lambda c, f=result, kind=listed: status_to_text(f, console=c, now=NOW, listed=kind)
            )
        assert_json("".join(status_to_json(result)))
        assert_json("".join(status_to_json(result, ascii_only=True, indented=False)))


def strange_flow_run(text: str) -> FlowRun:
    """Return a flow run all of whose names hold a text, as far as a path can hold it."""
    name = text.replace("/", "_")
    fan = [data_frame(f"wines{name}", "w"), ref(f"v{name}", type_=f"type.{text}")]
    return flow_run(
        task(f"start{name}/1{name}", to=f"work{name}", over=f"items{name}", has=fan),
        *(
            task(
                f"work{name}/{number}{name}",
                to=f"join{name}",
                has=[model(f"model{name}", f"m{number}")],
                foreach=at(f"work{name.replace(':', '')}:items{name.replace(':', '')}:{number}"),
                metadata={f"a{text}": text},
            )
            for number in range(2)
        ),
        task(
            f"join{name}/9{name}",
            state=TaskState.FAILED,
            failure=Failure(f"builtins.{text}", text, text),
        ),
        parameters=(Parameter(f"alpha{name}", "Parameter", ref("alpha"), {"a": text}),),
        tags=(text,),
    )


@given(explain=st.booleans(), text=anything())
@settings(max_examples=12, deadline=None)
def test_lineage(explain: bool, text: str) -> None:  # noqa: FBT001
    """The tree, the life of an artifact, and the documents."""
    run = strange_flow_run(text)
    traced = TracedFlowRun(run, rebuild_lineage(run))
    names = (
        None,
        *(artifact.name for artifact in run.steps[0].tasks[0].artifacts),
        run.parameters[0].name,
    )
    for name in names:
        assert_printable(
            lambda c, n=name: show_lineage(traced, "text", console=c, artifact=n, explain=explain)[
                0
            ]
        )
        for form in show_lineage(
            traced, "json", console=console_for(io.StringIO()), artifact=name, explain=explain
        ):
            assert_json(form)


_STATEMENT = re.compile(
    r" {4}(?:"
    r'\w+\[{1,2}"[^"\[\]{}|]*"\]{1,2}'
    r'|\w+\[/"parameters"/\]'
    r'|\w+ (?:-->|-\.->)\|"[^"\[\]{}|]*"\| \w+'
    r"|\w+ -\.-> \w+"
    r'|\w+ --- \w+\(\["[^"\[\]{}|]*"\]\)'
    r"|classDef failed stroke:#c00,stroke-width:3px,color:#c00"
    r"|classDef unread stroke-dasharray:4 3,fill-opacity:0"
    r"|class [\w,]+ (?:failed|unread))"
)

_PLAIN_LABEL = re.compile(r"(?:[\w _.,/-]|#[0-9]+;|<br>)*")


@given(text=anything())
@settings(max_examples=20, deadline=None)
def test_mermaid(text: str) -> None:
    """A chart has statements of ours alone: no directive, click, HTML or Markdown of others."""
    run = strange_flow_run(text)
    traced = TracedFlowRun(run, rebuild_lineage(run))

    title, kind, *lines = show_lineage(traced, "mermaid", console=console_for(io.StringIO()))[
        0
    ].splitlines()

    assert kind == "flowchart TD"
    assert title.startswith("%% ")
    assert "{" not in title
    for line in lines:
        assert _STATEMENT.fullmatch(line), line
        for label in re.findall('"([^"]*)"', line):
            assert _PLAIN_LABEL.fullmatch(label), label


@pytest.fixture(scope="module")
def explanation(tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    """Return the explanation of a model of a foreach."""
    folder: Path = tmp_path_factory.mktemp("explained")
    return explained(sample(), "train/model", folder)


@given(text=anything())
@settings(max_examples=20, deadline=None)
def test_explanation(explanation: Explanation, text: str) -> None:
    """What one artifact is, what W&B gets of it and why."""
    strange = poisoned(explanation, text)

    assert_printable(lambda c: show_explanation(strange, console=c, as_json=False)[0])
    for form in show_explanation(strange, console=console_for(io.StringIO()), as_json=True):
        assert_json(form)


@given(text=anything())
@settings(max_examples=20, deadline=None)
def test_progress(text: str) -> None:
    """The line that moves shows a name, and nothing of what it may do."""
    for stream in (Terminal(), io.StringIO()):
        with redirect_stderr(stream), progress_on_stderr(quiet=False) as progress:
            progress.selected(2)
            progress.flow_run(f"F/{text}", 0, 2)
            progress.writing(f"F/{text}", f"F/{text}/start")
            progress.connecting(text, 1)
            progress.finished(FlowRunOutcome(f"F/{text}", Status.FAILED, reason=text))

        assert "F/" in stream.getvalue()
        shown = re.sub(r"\x1b\[(?:J|[0-9]+A)", "", stream.getvalue())
        assert_inert(shown.replace("\r", ""))


def test_a_console_that_is_told_anything() -> None:
    """Who forgets to make a line of a name is covered: the console itself escapes it."""
    for text in HOSTILE:
        assert_printable(lambda console, text=text: _captured(console, text))
    assert "[bold" in _captured(console_for(io.StringIO()), "[bold red]x")


def _captured(console: Any, text: str) -> str:
    with console.capture() as capture:
        console.print(text)
        console.print(Text(text, style="bold"))
    return str(capture.get())
