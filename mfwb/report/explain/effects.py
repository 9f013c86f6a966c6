"""Lines of text on what W&B gets of an artifact."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from mfwb.media_formats import AUDIO, HTML, IMAGE, PLOTLY, VIDEO
from mfwb.outcome import RuleOutcome
from mfwb.pipeline.explain import Explanation, Replayed
from mfwb.planning import Form, Preview
from mfwb.ports import ReadyArtifact, ReadyPreview
from mfwb.report.explain.charts import charts_of, columns_of, why_no_chart
from mfwb.report.explain.files import altered, files_of, kept_because
from mfwb.report.explain.lines import Line, columns
from mfwb.report.format import count, describe_rules, human_size
from mfwb.report.lineage.phrases import join_names
from mfwb.safe_text import one_line

__all__ = ["effect_lines"]

_FEW = 6
_LONGEST_VALUE = 200
_ALIAS = ("alias", "aliases")
_FORMS = {
    Form.PICKLE: "Metaflow's own pickle",
    Form.PARQUET: "parquet",
    Form.FRAMES: "parquet",
    Form.PATH: "what the path points at",
    Form.INCLUDE: "the included file",
    Form.CHECKPOINT: "the files that it refers to",
    Form.ARRAY: "numpy array",
    Form.JSON: "JSON",
    Form.STORED: "as its serializer wrote it",
    Form.PLUGIN: "made by a converter",
    Form.REFERENCE: "where Metaflow stored it",
    Form.IMAGE: "PNG",
    Form.MEDIA: "its bytes, or its text",
}


def effect_lines(explanation: Explanation) -> Iterator[Line]:
    """Yield lines on what would be written, for the first W&B run in full, and what would not."""
    if explanation.parameter is not None:
        yield from _config(explanation)
    handed_on = [
        artifact for artifact in explanation.artifacts if artifact.shown_in != artifact.task
    ]
    if handed_on and len(handed_on) == len(explanation.artifacts):
        picked = any(artifact.shown_in != artifact.producer for artifact in handed_on)
        verb = "picked" if picked else "made"
        text = f"nothing here: it is only passed on; the step that {verb} it writes:"
        yield Line("written", Text(text))
    yield from _switched_off(explanation)
    nonempty = [replayed for replayed in explanation.replayed if _is_something(replayed)]
    for replayed in nonempty[:1]:
        yield from _in_run(replayed, explanation)
    if not nonempty and not explanation.parameter and not _is_off(explanation):
        yield Line("written", Text("nothing", style="yellow"))
    if len(nonempty) > 1:
        names = [one_line(replayed.planned.name) for replayed in nonempty[1:]]
        yield Line("also", Text(f"in the same way: {join_names(names)}"))


# --- parameters -----------------------------------------------------------------------------


def _config(explanation: Explanation) -> Iterator[Line]:
    if explanation.parameter is None:
        return
    keys = "".join(f"[{json.dumps(key)}]" for key in explanation.config_key.split("."))
    value = _value(explanation.parameter.value)
    runs = count(explanation.wandb_runs, "W&B run")
    yield Line("written", Text.assemble((f"config{keys}", "bold"), f" = {value}"))
    yield Line("by", Text(f"each of {runs} in {_project(explanation)}"))


# --- what is excluded -----------------------------------------------------------------------


def _is_something(replayed: Replayed) -> bool:
    ready = replayed.ready
    return bool(ready.summary or ready.artifacts or charts_of(replayed))


def _is_off(explanation: Explanation) -> bool:
    return any(artifact.switched_off for artifact in explanation.artifacts)


def _switched_off(explanation: Explanation) -> Iterator[Line]:
    for setting in dict.fromkeys(artifact.switched_off for artifact in explanation.artifacts):
        if setting:
            text = f"no artifact: switched off by {one_line(setting)}"
            yield Line("written", Text(text, style="yellow"))


# --- one W&B run ----------------------------------------------------------------------------


def _in_run(replayed: Replayed, explanation: Explanation) -> Iterator[Line]:
    summary = replayed.ready.summary
    for key, value in list(summary.items())[:_FEW]:
        name = f"summary[{json.dumps(one_line(key))}]"
        yield Line("written", Text.assemble((name, "bold"), f" = {_value(value)}"))
    if len(summary) > _FEW:
        yield Line("", Text(f"and {len(summary) - _FEW:,} more", style="dim"))
    if replayed.ready.masked:
        yield Line("masked", Text("*** stands for a secret; [redact] in the settings decides"))
    for artifact in replayed.ready.artifacts:
        yield from _artifact(artifact)
    yield from _beside(replayed)
    for preview in replayed.ready.previews:
        yield Line("shown", _preview(preview))
    run = one_line(replayed.planned.name)
    yield Line("by", Text(f"W&B run {run}\nin {_project(explanation)}"))


def _beside(replayed: Replayed) -> Iterator[Line]:
    charts = [one_line(name) for name in charts_of(replayed)]
    if charts:
        yield Line("chart", Text(join_names(charts)))
    elif (why := why_no_chart(replayed)) is not None:
        yield Line("chart", Text(why, style="dim"))
    names = columns_of(replayed)
    if names:
        noun = "column" if len(names) == 1 else "columns"
        yield Line("table", Text(f"tasks, {noun} {join_names([one_line(name) for name in names])}"))


def _artifact(artifact: ReadyArtifact) -> Iterator[Line]:
    planned = artifact.planned
    aliases = [one_line(alias) for alias in planned.aliases]
    what = Text.assemble(
        "artifact ",
        (one_line(planned.name), "bold"),
        f", type {planned.type}",
        f", {_ALIAS[len(aliases) > 1]} {join_names(aliases)}"
        if aliases
        else ", whose aliases a later W&B run has",
    )
    yield Line("written", what)
    made = list(files_of(artifact))
    rows = [
        [
            Text(one_line(made_file.file.path)),
            Text(human_size(made_file.file.size), justify="right"),
            Text(_FORMS[made_file.form], style="dim"),
        ]
        for made_file in made[:_FEW]
    ]
    if len(made) > _FEW:
        rows.append([Text(f"and {len(made) - _FEW:,} more", style="dim")])
    yield Line("files" if len(made) > 1 else "file", columns(rows))
    for made_file in made[:_FEW]:
        if made_file.file.uri is not None:
            yield Line("at", Text(one_line(made_file.file.uri)))
    siblings = planned.metadata.get("metaflow", {}).get("tasks", 1)
    if siblings > len(planned.files):
        others = count(siblings - len(planned.files), "other task")
        yield Line("", Text(f"beside those of {others}", style="dim"))
    for change in altered(artifact):
        text = f"the pickle is logged, too, because in parquet {one_line(change)}"
        yield Line("", Text(text, style="yellow"))
    for reason in kept_because(artifact):
        yield Line("", Text(f"stays a pickle: {one_line(reason)}", style="yellow"))
    if any(made_file.form is Form.PICKLE for made_file in made):
        yield Line("needs", Text(_needs(artifact.metadata.get("modules"))))
    if artifact.rule is not None:
        yield from _rules(artifact.rule.outcome)


def _rules(outcome: RuleOutcome) -> Iterator[Line]:
    """Yield what the rules of the settings give to an artifact, and what they do not give."""
    given = describe_rules(outcome)
    if given:
        yield Line("rules", Text(given))
    for number, note in enumerate(outcome.notes):
        yield Line("" if given or number else "rules", Text(one_line(note), style="yellow"))


def _needs(modules: Sequence[str] | None) -> str:
    if modules is None:
        return "not known"
    return ", ".join(map(one_line, modules)) or "Python alone"


def _preview(preview: ReadyPreview) -> Text:
    key = f"summary[{json.dumps(one_line(preview.key))}]"
    if preview.kind is Preview.TABLE and preview.table is not None:
        rows = count(len(preview.table.rows), "row")
        what = f"{rows} of {count(len(preview.table.columns), 'column')}"
    else:
        what = preview.value if isinstance(preview.value, str) else _panel(preview)
    return Text(f"{key}: {what}")


def _panel(preview: ReadyPreview) -> str:
    """Return what a panel shows: its number of images, or its type."""
    if len(preview.media) > 1:
        return count(len(preview.media), "image")
    return _PANELS.get(preview.media[0].type, "") if preview.media else "a histogram"


_PANELS = {
    IMAGE: "an image",
    AUDIO: "a sound",
    VIDEO: "a film",
    HTML: "a page",
    PLOTLY: "a figure",
}


# --- text -----------------------------------------------------------------------------------


def _project(explanation: Explanation) -> str:
    project = one_line(explanation.project)
    if explanation.entity is None:
        return f"project {project} of your default entity"
    return f"project {one_line(explanation.entity)}/{project}"


def _value(value: Any) -> str:
    text = one_line(json.dumps(value, ensure_ascii=False))
    if len(text) <= _LONGEST_VALUE:
        return text
    return text[: _LONGEST_VALUE - 1] + "\N{HORIZONTAL ELLIPSIS}"
