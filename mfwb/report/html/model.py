"""What a report page shows: plain values, ready to be put into a template.

All texts are printable, but not escaped: the template escapes everything. Coordinates are in the
units of their drawing, which is as large as its `width` and `height`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "Artifact",
    "ArtifactUse",
    "Card",
    "CardComponent",
    "Cell",
    "Chart",
    "Comparison",
    "ComparisonRow",
    "ComparisonTable",
    "Fact",
    "FailedAttempt",
    "FlowRunPage",
    "Graph",
    "Histogram",
    "Image",
    "Link",
    "LogLineShown",
    "Node",
    "Page",
    "Preview",
    "Series",
    "StepLog",
    "SyncedRun",
    "SyncedTo",
    "Table",
    "TaskRow",
    "Tick",
    "Timeline",
    "TimelineBand",
    "TimelineBar",
]


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and its text, with a link if `url` is not empty."""

    label: str
    text: str
    url: str = ""


# --- the graph -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Node:
    """A box of the graph: a step, an artifact, the parameters or another flow run.

    Attributes:
        id: number in the page.
        kind: step, artifact, parameters or flow-run.
        name: the label.
        detail: a second line of the label; may be empty.
        state: of a step: ok, caught, failed or unfinished; of an artifact: used or unused.
        x: of its left edge.
        y: of its upper edge.
        width: of the box.
        height: of the box.
        facts: what a click shows.
        anchor: the id in the page of the section with more; may be empty.
    """

    id: int
    kind: str
    name: str
    detail: str
    state: str
    x: float
    y: float
    width: float
    height: float
    facts: tuple[Fact, ...] = ()
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the graph.

    Attributes:
        kind: next (control flow), made, used, or available (perhaps not used).
        path: of SVG.
        ends: the numbers of the nodes at both ends.
        title: what the line says.
    """

    kind: str
    path: str
    ends: tuple[int, int]
    title: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The lineage of a flow run as a drawing."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]


# --- the timeline ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimelineBar:
    """An attempt: where it is drawn, its state, and what it says."""

    x: float
    y: float
    width: float
    height: float
    state: str
    title: str


@dataclass(frozen=True, slots=True)
class TimelineBand:
    """The band of a step."""

    name: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The attempts of all tasks over time."""

    width: float
    height: float
    left: float
    bands: tuple[TimelineBand, ...]
    bars: tuple[TimelineBar, ...]
    ticks: tuple[Tick, ...]
    left_out: int = 0


# --- charts and previews ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart: the points of a polyline of SVG, or dots if they are no curve."""

    label: str
    points: tuple[tuple[float, float], ...]
    last: str
    color: int  # the number of a color of the page


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of numbers over an x axis."""

    step: str
    name: str
    axis: str
    low: str
    high: str
    first: str
    last: str
    series: tuple[Series, ...]
    is_dots: bool = False
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bars of a histogram, in a drawing of 100 by 30."""

    bars: tuple[tuple[float, float, float], ...]  # x, width, height
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table."""

    text: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a table, and how many more there are."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """An image as a data URI; empty if it is too large for the page."""

    uri: str
    caption: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an artifact looks like; the parts that are empty are not shown."""

    text: str = ""
    note: str = ""
    table: Table | None = None
    images: tuple[Image, ...] = ()
    histogram: Histogram | None = None


@dataclass(frozen=True, slots=True)
class ArtifactUse:
    """A step that used an artifact, with the evidence."""

    step: str
    note: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact that a step made, in all its tasks."""

    anchor: str
    step: str
    name: str
    type: str
    size: str
    tasks: str
    uses: tuple[ArtifactUse, ...] | None  # None: not known
    previews: tuple[Preview, ...] = ()
    content: str = ""  # the beginning of its sha1, if all tasks have the same content


# --- tasks, logs, cards ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task, as a row of the table."""

    anchor: str
    step: str
    task: str
    label: str
    state: str
    attempts: int
    started: str
    started_at: int
    seconds: float | None
    duration: str
    exception: str


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A failed or caught attempt."""

    task: str
    attempt: str
    state: str
    type: str
    message: str
    traceback: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class LogLineShown:
    """A line of a log."""

    time: str
    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class StepLog:
    """The end of a task's log."""

    task: str
    state: str
    note: str
    lines: tuple[LogLineShown, ...]


@dataclass(frozen=True, slots=True)
class CardComponent:
    """A part of a card of Metaflow's own kinds.

    Attributes:
        kind: title, subtitle, heading, text, code, html, image, table or note.
        text: of these kinds; of html it is markup, which only a sandbox shows.
        columns: of a table.
        rows: of a table; each cell is a list of components.
    """

    kind: str
    text: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[tuple[CardComponent, ...], ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """A card: a page of its own, for a sandbox; empty if it is not shown, for a reason."""

    task: str
    key: str
    html: str
    note: str


# --- W&B -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SyncedRun:
    """A W&B run, as the ledger has it."""

    name: str
    job_type: str
    state: str
    url: str
    artifacts: tuple[str, ...]
    losses: int


@dataclass(frozen=True, slots=True)
class SyncedTo:
    """What a sync wrote to one destination."""

    title: str
    url: str
    state: str
    at: str
    reason: str
    runs: tuple[SyncedRun, ...]
    losses: tuple[Fact, ...]


# --- pages -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FlowRunPage:
    """All that a page shows of one flow run."""

    anchor: str
    pathspec: str
    flow: str
    run_id: str
    state: str
    doc: str
    facts: tuple[Fact, ...]
    tags: tuple[str, ...]
    system_tags: tuple[str, ...]
    parameters: tuple[Fact, ...]
    graph: Graph
    timeline: Timeline | None
    failures: tuple[FailedAttempt, ...] = ()
    charts: tuple[Chart, ...] = ()
    tasks: tuple[TaskRow, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    cards: tuple[Card, ...] = ()
    logs: tuple[StepLog, ...] = ()
    losses: tuple[Fact, ...] = ()
    destinations: tuple[SyncedTo, ...] = ()
    doubts: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()  # what is not in the page, because there is too much
    counts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A row of a comparison: a cell for each flow run."""

    name: str
    cells: tuple[Cell, ...]
    differs: bool
    bars: tuple[float, ...] = field(default=())  # shares of the largest number, from 0 to 1


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """Rows of one kind."""

    title: str
    note: str
    rows: tuple[ComparisonRow, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several flow runs side by side."""

    columns: tuple[Fact, ...]
    tables: tuple[ComparisonTable, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    title: str
    flow_runs: tuple[FlowRunPage, ...]
    comparison: Comparison | None
    version: str
