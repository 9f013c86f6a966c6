"""Lineage as text: the steps of a flow run, and what each used, made and passed on."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from mfwb.pipeline.reading import TracedFlowRun
from mfwb.report.console import printed
from mfwb.report.fit import print_wrapped
from mfwb.report.lineage.facts import facts_of
from mfwb.report.lineage.headline import headline
from mfwb.report.lineage.layout import Fact, Node, print_tree
from mfwb.report.lineage.phrases import value_of
from mfwb.report.lineage.reasons import Reasons
from mfwb.report.lineage.steps import StepView, views_of
from mfwb.report.lineage.totals import doubt_lines, total_line
from mfwb.safe_text import one_line
from mfwb.snapshot import FlowRun, FlowRunState

__all__ = ["flow_run_headline", "to_text"]

_STYLES = {
    FlowRunState.FINISHED: "bold green",
    FlowRunState.FAILED: "bold red",
    FlowRunState.ABANDONED: "bold red",
    FlowRunState.RUNNING: "bold yellow",
}


def to_text(traced: TracedFlowRun, *, console: Console, explain: bool = False) -> str:
    """Return the text, in the width and the colours of a console.

    Args:
        traced: a flow run and its lineage.
        console: the console that the text is formatted for.
        explain: whether to explain the evidence of each use.
    """
    views = views_of(traced)
    reasons = Reasons(traced)
    sizes = {view.name: len(view.tasks) for view in views}
    root = Node(flow_run_headline(traced.flow_run), _parameters(traced.flow_run))
    nodes = {
        view.name: Node(headline(view, sizes), facts_of(view, sizes, reasons if explain else None))
        for view in views
    }
    for view in views:
        _enclosing_node(view, root, nodes).inside.append(nodes[view.name])
    with console.capture() as capture:
        print_tree(root, console)
        print_wrapped(Text(total_line(traced, views), style="bold"), console, gap=", ")
        for line in doubt_lines(views, reasons):
            console.print(line)
    return printed(capture.get())


def flow_run_headline(flow_run: FlowRun) -> Text:
    """Return the name and the state of a flow run."""
    state = flow_run.state
    text = Text.assemble((one_line(flow_run.pathspec), "bold"), "  ", (state.value, _STYLES[state]))
    if state is FlowRunState.RUNNING:
        text.append("  there is more to come", style="dim")
    return text


def _enclosing_node(view: StepView, root: Node, nodes: dict[str, Node]) -> Node:
    """Return the node around a step: that of the step that fanned out around it."""
    return root if view.inside is None else nodes.get(view.inside, root)


def _parameters(flow_run: FlowRun) -> list[Fact]:
    return [
        Fact("parameter", Text(f"{one_line(parameter.name)} = {value_of(parameter.value)}"))
        for parameter in flow_run.parameters
    ]
