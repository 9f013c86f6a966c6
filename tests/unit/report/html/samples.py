"""Flow runs with all that a report shows, some with strings that attack a page."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

from mfwb.config import load_settings
from mfwb.outcome import FlowRunOutcome, OutputOutcome, Status, WandbRunOutcome
from mfwb.pipeline.report_material import (
    ArtifactPreview,
    LogEnd,
    MaterialRun,
    PreviewImage,
    ReportMaterial,
    ShownCard,
)
from mfwb.planning import Preview, draft_plan
from mfwb.ports import ChartAxis, Destination, Entry, LogLine, ReadyRun, ReadyTable, SyncState
from mfwb.snapshot import Card, Failure, FlowRun, FlowRunState, Loss, TaskState
from tests.support.flow_runs import at, data_frame, flow_run, parameter, ref, task, tried
from tests.unit.report.lineage.samples import traced

HOSTILE = (
    "<script>window.pwned=1</script><img src=x onerror=window.pwned=2>\"'><svg onload=pwned()>"
    "</title></style></script></textarea><!--\u202e\x1b[31m{{7*7}}${7*7}&lt;b&gt;"
)
"""A string that ends whatever it is put into, and then runs."""

IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(20)


def material(run: FlowRun, text: str = "value") -> ReportMaterial:
    """Return a flow run with values, previews, charts, logs and cards in which a text is."""
    of = traced(run, None)
    plan = draft_plan(
        run,
        of.lineage,
        load_settings({}, folder=Path("/"), environ={}),
        entity=None,
        project="report",
    )
    runs = []
    for planned in plan.runs:
        keys = [value.key for value in (*planned.values, *planned.curves)]
        rows = tuple((row.label, *(text for _ in keys)) for row in planned.tasks)
        ready = ReadyRun(
            summary=dict.fromkeys(keys, text),
            history=tuple((n, {text: n / 7, "x": n}) for n in range(3)),
            axes=(ChartAxis(text, "x"),),
            table=ReadyTable(("index", *keys), rows) if planned.merged else None,
        )
        previews = {
            file.content.name: (
                ArtifactPreview(Preview.TABLE, ReadyTable((text, "b"), ((text, 1.5), (None, 2)))),
                ArtifactPreview(Preview.IMAGE, images=(PreviewImage(IMAGE, "png", text),)),
                ArtifactPreview(Preview.CHART, histogram=((1.0, 2.0), (0.0, 1.0, 2.0))),
                ArtifactPreview(Preview.MEDIA, text=text),
            )
            for output in planned.outputs
            for file in output.files
        }
        runs.append(MaterialRun(planned, ready, previews))
    line = LogLine("stderr", 1_700_000_000_000, text)
    logs = {every.pathspec: LogEnd((line,), hidden=3, left_out=9) for every in run.tasks}
    first = next(run.tasks).pathspec
    cards = (
        ShownCard(first, text, f"<html><style>b {{}}</style><b>{text}</b></html>"),
        ShownCard(first, "default", card(text)),
        ShownCard(first, "gone", None, text),
    )
    losses = (Loss(text, text),)
    return ReportMaterial(of, tuple(runs), logs, cards, losses, (f"a note {text[:9]}",))


def card(text: str) -> str:
    """Return a card as Metaflow's own template writes it, which a script draws."""
    components = [
        {"type": "title", "text": text},
        {"type": "html", "data": f"<i>{text}</i>"},
        {"type": "image", "src": f"https://evil.test/{text}", "label": text},
        {
            "type": "table",
            "columns": [text],
            "data": [[text, {"type": "pythonCode", "data": text}]],
        },
        {"type": "artifacts", "data": [{"name": text, "type": text, "data": text}]},
        {"type": "section", "title": text, "contents": [{"type": "markdown", "source": text}]},
    ]
    data = base64.b64encode(json.dumps({"components": components}).encode()).decode()
    return (
        f'<html><script>window.__MF_DATA__["a"] = "{data}"</script><script>{"x" * 90_000}</script>'
    )


def failed_run(text: str = "value") -> FlowRun:
    """Return a failed flow run in which a text is everywhere."""
    failure = Failure(f"builtins.{text}", text, f"Traceback\n{text}")
    bad = [
        tried(ok=False, failure=failure),
        tried(2_500, 3_000, ok=False, number=1, failure=failure),
    ]
    name = text.replace("/", "|")
    start = task(
        "start/1",
        to="train",
        over=name,
        has=[data_frame("wines", "w"), ref(name, "n", "list"), ref("unused", "u")],
        attempts=(tried(),),
        cards=(Card("default", None, "c"),),
    )
    train = [
        task(
            f"train/{2 + index}",
            has=[data_frame("wines", "w"), ref(name, "n", "list"), ref("score", f"s{index}")],
            foreach=at(f"train:{name.replace(':', ';')}:{index}"),
            attempts=tuple(bad) if index == 1 else (tried(1_500 + index, 2_700),),
            state=TaskState.FAILED if index == 1 else TaskState.OK,
            failure=failure if index == 1 else None,
        )
        for index in range(3)
    ]
    return flow_run(
        start,
        *train,
        state=FlowRunState.FAILED,
        user=text,
        tags=(text, "b"),
        system_tags=(text,),
        doc=text,
        parameters=(parameter("alpha", 0.5), parameter(name, {"key": text, text: [1, None]})),
        code_missing=text,
    )


def entry(text: str = "value", url: str = "https://wandb.test/acme/wines/runs/abc") -> Entry:
    """Return what the ledger has of a flow run."""
    run = WandbRunOutcome(
        id="abc",
        name=text,
        job_type=text,
        state="finished",
        url=url,
        outputs=(OutputOutcome(text, "model", None, 1, (), version="v1"),),
        losses=(Loss(text, text),),
    )
    outcome = FlowRunOutcome(
        "DemoFlow/7", Status.SYNCED, entity=text, project=text, wandb_runs=(run,)
    )
    return Entry(
        "DemoFlow/7",
        "local@/data",
        Destination("online", "https://wandb.test", text, text),
        SyncState.SYNCED,
        reason=text,
        outcome=outcome,
        at="2026-11-30T05:00:00Z",
    )


def large_run(tasks: int, artifacts: int) -> FlowRun:
    """Return a flow run with a foreach of many tasks, each with many artifacts."""
    names = [f"artifact_{number}" for number in range(artifacts)]
    start = task("start/1", to="work", over="items", has="items=i", attempts=(tried(),))
    work = [
        task(
            f"work/{2 + index}",
            to="end",
            has=[ref("items", "i"), *(ref(name, f"{name}{index}", "float") for name in names)],
            foreach=at(f"work:items:{index}"),
            attempts=(tried(1_000 + index * 10, 5_000 + index * 37),),
        )
        for index in range(tasks)
    ]
    end = task(f"end/{tasks + 2}", has="best=b", attempts=(tried(20_000, 21_000),))
    return flow_run(start, *work, end)


def renamed_text(run: FlowRun, **facts: object) -> FlowRun:
    """Return a flow run with other facts."""
    return replace(run, **facts)  # type: ignore[arg-type]
