"""Damage to config, summary, history, log and panels of W&B runs."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from tests.integration.verification.damages.cases import Found, Registry
from tests.support.wandb_damage import Damage, blob_of

__all__ = ["VALUES"]

VALUES = Registry()
_NO_ROW_BACK = "W&B takes no row back"


# --- config -------------------------------------------------------------------------------------


@VALUES(Found("config", "gather config.rate", "edited"))
def change_a_parameter(damage: Damage) -> None:
    """By the least that a number can change."""
    damage.set_config("gather", "rate", math.nextafter(0.5, 1))


@VALUES(Found("config", "gather config.label", "edited"))
def change_the_case_of_a_parameter(damage: Damage) -> None:
    """A text."""
    damage.set_config("gather", "label", "Blue")


@VALUES(Found("config", "gather config.label", "removed"))
def remove_a_parameter(damage: Damage) -> None:
    """From one W&B run of the group."""
    del damage.run("gather").config["label"]


@VALUES(Found("config", "gather config.metaflow.step_type", "edited"))
def change_a_fact(damage: Damage) -> None:
    """What config says of the step."""
    _facts(damage, "gather")["step_type"] = "linear"


@VALUES(Found("config", "gather config.metaflow.user", "removed"))
def remove_a_fact(damage: Damage) -> None:
    """What config says of the flow run."""
    del _facts(damage, "gather")["user"]


@VALUES(
    Found("config", "gather config.metaflow.cloned_from", "mfwb", "a sync removes no key of config")
)
def add_a_fact(damage: Damage) -> None:
    """One that would be true of a resumed flow run alone."""
    _facts(damage, "gather")["cloned_from"] = ["RichFlow/1/gather/4"]


@VALUES(Found("config", "gather config.metaflow.tasks", "edited"))
def add_a_task_to_the_facts(damage: Damage) -> None:
    """Of another step."""
    facts = _facts(damage, "gather")
    facts["tasks"] = [*facts["tasks"], *_facts(damage, "end")["tasks"]]


@VALUES(Found("config", "gather config.metaflow.doc", "edited"))
def change_the_doc(damage: Damage) -> None:
    """The docstring of the flow."""
    _facts(damage, "gather")["doc"] = "Something else."


# --- summary ------------------------------------------------------------------------------------


@VALUES(Found("summary", "start summary.ratio", "edited"))
def change_a_value_by_the_least(damage: Damage) -> None:
    """One unit in the last place."""
    damage.run("start").summary["ratio"] = math.nextafter(0.1, 1)


@VALUES(Found("summary", "start summary.ratio", "removed"))
def remove_a_value(damage: Damage) -> None:
    """From the summary."""
    del damage.run("start").summary["ratio"]


@VALUES(Found("summary", "end summary.ratio", "other settings", "a sync removes no key"))
def add_a_value_of_another_step(damage: Damage) -> None:
    """The step has no such artifact."""
    damage.run("end").summary["ratio"] = 0.1


@VALUES(Found("summary", "start summary.count", "edited"))
def turn_a_number_into_text(damage: Damage) -> None:
    """Which looks the same in many places."""
    damage.run("start").summary["count"] = "3"


@VALUES(Found("summary", "start summary.count", "edited"))
def turn_a_whole_number_into_a_fraction(damage: Damage) -> None:
    """Close to it."""
    damage.run("start").summary["count"] = math.nextafter(3.0, 4)


@VALUES(Found("summary", "start summary.on", "edited"))
def turn_true_into_one(damage: Damage) -> None:
    """Python takes the two for equal."""
    damage.run("start").summary["on"] = 1


@VALUES(Found("summary", "start summary.nothing", "edited"))
def turn_nan_into_null(damage: Damage) -> None:
    """As careless JSON does."""
    damage.run("start").summary["nothing"] = None


@VALUES(Found("summary", "start summary.text", "edited"))
def add_a_blank_to_a_text(damage: Damage) -> None:
    """At its end."""
    damage.run("start").summary["text"] = "one "


@VALUES(Found("summary", "start summary.items", "edited"))
def reorder_a_list(damage: Damage) -> None:
    """The same elements."""
    damage.run("start").summary["items"].reverse()


@VALUES(Found("summary", "start summary.mapping", "edited"))
def change_a_value_deep_inside(damage: Damage) -> None:
    """In a list in a dict."""
    damage.run("start").summary["mapping"]["y"][1] = 3


@VALUES(Found("summary", "start summary.mapping", "edited"))
def remove_a_key_deep_inside(damage: Damage) -> None:
    """Of a dict."""
    del damage.run("start").summary["mapping"]["x"]


@VALUES(Found("summary", "each summary.score", "edited"))
def change_a_statistic(damage: Damage) -> None:
    """The mean of all tasks."""
    damage.run("each").summary["score"]["mean"] += 1e-9


@VALUES(Found("summary", "each summary.score", "edited"))
def remove_a_statistic(damage: Damage) -> None:
    """The maximum of all tasks."""
    del damage.run("each").summary["score"]["max"]


@VALUES(Found("summary", "gather summary.metaflow.duration_seconds", "edited"))
def change_the_duration(damage: Damage) -> None:
    """By a millisecond."""
    damage.run("gather").summary["metaflow"]["duration_seconds"] += 0.001


@VALUES(Found("summary", "each summary.metaflow.tasks", "edited"))
def let_a_task_fail(damage: Damage) -> None:
    """How many ended in which way."""
    damage.run("each").summary["metaflow"]["tasks"] = {"ok": 1, "failed": 1}


@VALUES(Found("summary", "gather summary.metaflow.exception", "mfwb"))
def add_an_exception(damage: Damage) -> None:
    """Of a step that raised none."""
    damage.run("gather").summary["metaflow"]["exception"] = "ValueError: no"


# --- history ------------------------------------------------------------------------------------


@VALUES(Found("history", "gather history.scores in 1 rows, as in row 1", "lost"))
def lose_the_last_row(damage: Damage) -> None:
    """Of the history."""
    damage.run("gather").history.pop()


@VALUES(Found("history", "gather history.scores in 1 rows, as in row 0", "lost"))
def lose_the_first_row(damage: Damage) -> None:
    """Of the history."""
    del damage.run("gather").history[0]


@VALUES(
    Found(
        "history",
        "gather history.scores in 1 rows, as in row 2",
        "written twice",
        _NO_ROW_BACK,
    )
)
def add_a_row(damage: Damage) -> None:
    """At the end."""
    damage.run("gather").history.append('{"_step": 2, "scores": 30}')


@VALUES(
    Found(
        "history",
        "gather history.scores in 1 rows, as in row 1",
        "by another sync",
        _NO_ROW_BACK,
    )
)
def change_a_point(damage: Damage) -> None:
    """Of a curve."""
    _edit_row(damage, "gather", 1, "scores", 21)


@VALUES(Found("history", "each history.tasks/score in 1 rows, as in row 0", "lost"))
def lose_a_point(damage: Damage) -> None:
    """Of the chart of tasks; the other points of the row are there."""
    _edit_row(damage, "each", 0, "tasks/score", None)


@VALUES(
    Found(
        "history",
        "gather history.scores in 2 rows, as in row 0",
        "by another sync",
        _NO_ROW_BACK,
    ),
    Found(
        "history",
        "gather history.scores/index in 2 rows, as in row 0",
        "by another sync",
        _NO_ROW_BACK,
    ),
)
def reorder_the_rows(damage: Damage) -> None:
    """Each has the step of the other."""
    item, other = map(json.loads, damage.run("gather").history)
    item["_step"], other["_step"] = other["_step"], item["_step"]
    damage.run("gather").history[:] = [json.dumps(other), json.dumps(item)]


@VALUES(Found("history", "gather history, rows twice", "twice", _NO_ROW_BACK))
def double_a_row(damage: Damage) -> None:
    """The very same."""
    damage.run("gather").history.append(damage.run("gather").history[0])


@VALUES(Found("history", "end history.curve in 1 rows, as in row 0", "another sync", _NO_ROW_BACK))
def add_a_curve_of_another_step(damage: Damage) -> None:
    """The step has no history."""
    damage.run("end").history.append('{"_step": 0, "curve": 1.0}')


@VALUES(Found("history", "each x axis of curve/1", "wrote its config"))
def drop_the_x_axis_of_a_curve(damage: Damage) -> None:
    """Of one task; that of the other stays."""
    metrics = damage.run("each").config["_wandb"]["value"]["m"]
    metrics[:] = [metric for metric in metrics if metric.get("1") != "curve/1"]


@VALUES(Found("notes", "gather notes", "removed"))
def remove_the_notes(damage: Damage) -> None:
    """All of them."""
    damage.run("gather").notes = ""


@VALUES(Found("history", "gather x axis of scores", "wrote its config"))
def drop_the_x_axes(damage: Damage) -> None:
    """W&B then draws charts over its own steps."""
    del damage.run("gather").config["_wandb"]["value"]["m"]


@VALUES(Found("summary", "gather summary.scores", "edited"))
def change_the_last_point_in_the_summary(damage: Damage) -> None:
    """Of a curve."""
    damage.run("gather").summary["scores"] = 1


# --- log ----------------------------------------------------------------------------------------


@VALUES(Found("log", "start log, 1 lines that W&B does not have", "cut"))
def cut_the_log(damage: Damage) -> None:
    """Its last line."""
    damage.run("start").console.popitem()


@VALUES(Found("log", "start log, 3 lines that W&B does not have", "cut"))
def lose_the_log(damage: Damage) -> None:
    """All of it."""
    damage.run("start").console.clear()


@VALUES(
    Found("log", "start log, 1 lines that W&B does not have", "damaged"),
    Found("log", "start log, 1 lines that Metaflow does not have", "damaged"),
)
def change_a_line(damage: Damage) -> None:
    """A letter of it."""
    _edit_log(damage, "start", "first", "First")


@VALUES(
    Found(
        "log",
        "start log, 1 lines that Metaflow does not have",
        "damaged",
        "a sync writes lines over, and removes none",
    )
)
def double_a_line(damage: Damage) -> None:
    """At the end."""
    console = damage.run("start").console
    console[len(console)] = console[len(console) - 1]


@VALUES(
    Found("log", "start log, 1 lines that W&B does not have", "damaged"),
    Found("log", "start log, 1 lines that Metaflow does not have", "damaged"),
)
def move_the_time_of_a_line(damage: Damage) -> None:
    """By a century."""
    console = damage.run("start").console
    console[1] = re.sub(r'content":"\d\d', 'content":"21', console[1])


@VALUES(
    Found("log", "start log, 1 lines that W&B does not have", "damaged"),
    Found("log", "start log, 1 lines that Metaflow does not have", "damaged"),
)
def take_stderr_for_stdout(damage: Damage) -> None:
    """The label of a line."""
    _edit_log(damage, "start", "[stderr] ", "")


@VALUES(Found("log", "start log, order of its lines", "edited"))
def reverse_the_log(damage: Damage) -> None:
    """The same lines."""
    console = damage.run("start").console
    lines = [console[number] for number in sorted(console)]
    damage.run("start").console = dict(enumerate(reversed(lines)))


# --- panels -------------------------------------------------------------------------------------


@VALUES(Found("panel", "each summary.card/0/blank", "removed"))
def remove_a_card(damage: Damage) -> None:
    """From the summary; its file is there."""
    damage.remove_panel("each", "card/0/blank")


@VALUES(Found("panel", "each summary.card/0/blank, its file", "deleted"))
def delete_the_file_of_a_card(damage: Damage) -> None:
    """The summary shows it still."""
    panel = damage.panel("each", "card/0/blank")
    del damage.run("each").files[panel["path"]]


@VALUES(Found("panel", "each summary.card/0/blank, size of its file", "edited"))
def cut_a_card(damage: Damage) -> None:
    """The second half of its file."""
    path = damage.panel("each", "card/0/blank")["path"]
    content = damage.run("each").files[path].read()
    damage.replace_run_file("each", path, content[: len(content) // 2])


@VALUES(
    Found("panel", "each summary.card/0/blank, its bytes"),
    Found("panel", "each summary.card/1/blank, its bytes"),
    read_data=True,
)
def show_the_card_of_another_task(damage: Damage) -> None:
    """Both are there, each at the place of the other."""
    item, other = damage.panel("each", "card/0/blank"), damage.panel("each", "card/1/blank")
    values = dict(item)
    item.update(other)
    other.update(values)


@VALUES(Found("panel", "each summary.card/0/blank, its bytes", "damaged"), read_data=True)
def change_a_letter_of_a_card(damage: Damage) -> None:
    """The size stays."""
    path = damage.panel("each", "card/0/blank")["path"]
    content = damage.run("each").files[path].read()
    damage.replace_run_file("each", path, content.replace(b"a", b"b", 1))


@VALUES(Found("panel", "each summary.tasks", "removed"))
def remove_the_table_of_tasks(damage: Damage) -> None:
    """From the summary."""
    damage.remove_panel("each", "tasks")


@VALUES(Found("panel", "each table tasks, score of 1", "damaged"), read_data=True)
def change_a_cell(damage: Damage) -> None:
    """Of the table of tasks; the size stays."""
    _edit_table(damage, lambda text: text.replace(b"20", b"21", 1))


@VALUES(
    *(Found("panel", f"each table tasks, score of {label}", "damaged") for label in "01"),
    read_data=True,
)
def rename_a_column(damage: Damage) -> None:
    """Of the table of tasks; the size stays."""
    _edit_table(damage, lambda text: text.replace(b'"score"', b'"sc0re"', 1))


@VALUES(Found("panel", "each summary.tasks, size of its file", "edited"))
def remove_a_row_of_the_table(damage: Damage) -> None:
    """Of the table of tasks."""

    def without_last(text: bytes) -> bytes:
        table = json.loads(text)
        return json.dumps({**table, "data": table["data"][:-1]}).encode()

    _edit_table(damage, without_last)


@VALUES(Found("panel", "each rows of the table tasks", "edited"))
def change_the_number_of_rows(damage: Damage) -> None:
    """That the summary names for the table of tasks."""
    damage.panel("each", "tasks")["nrows"] = 1


@VALUES(Found("panel", "start summary.frame", "removed"))
def remove_a_preview(damage: Damage) -> None:
    """Of a table that was logged."""
    damage.remove_panel("start", "frame")


@VALUES(Found("panel", "end summary.total, size of its file", "edited"))
def swap_the_file_of_a_preview(damage: Damage) -> None:
    """It shows another table."""
    run = damage.run("end")
    frame, total = damage.panel("end", "frame"), damage.panel("end", "total")
    run.files[total["path"]] = run.files[frame["path"]]


def _facts(damage: Damage, step: str) -> dict[str, Any]:
    facts: dict[str, Any] = damage.run(step).config["metaflow"]["value"]
    return facts


def _edit_row(damage: Damage, step: str, row: int, key: str, value: object) -> None:
    history = damage.run(step).history
    values = json.loads(history[row])
    values.pop(key)
    history[row] = json.dumps({**values, key: value} if value is not None else values)


def _edit_log(damage: Damage, step: str, old: str, new: str) -> None:
    console = damage.run(step).console
    for number, line in console.items():
        console[number] = line.replace(old, new)


def _edit_table(damage: Damage, edit: object) -> None:
    assert callable(edit)
    path = damage.panel("each", "tasks")["path"]
    files = damage.run("each").files
    files[path] = blob_of(edit(files[path].read()))
