"""The shapes of flow runs for tests of lineage, and how to run each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.sandbox import FLOWS
from tests.support.truth.stage import Stage

__all__ = ["SAMPLE", "SHAPES"]

_EXTRA_STEP = '''
    @step
    def extra(self):
        """Come in between."""
        self.result = self.result + self.other
        self.next(self.end)
'''


def _run(file: str, *ways: tuple[str, ...]) -> Callable[[Stage], list[str]]:
    """Return what runs a flow: once, or once for each list of arguments."""

    def act(stage: Stage) -> list[str]:
        return [stage.flow(file, "run", *way) for way in ways or ((),)]

    return act


def _resume(file: str) -> Callable[[Stage], list[str]]:
    """Return what runs a flow that fails, and then resumes it."""

    def act(stage: Stage) -> list[str]:
        failed = stage.flow(file, "run", fails=True, FAIL="1")
        return [failed, stage.flow(file, "resume", "--origin-run-id", failed.split("/")[1])]

    return act


def _edit_and_resume(stage: Stage) -> list[str]:
    """Run a flow that fails, put a step into its source, and resume it."""
    script = stage.root / "edited.py"
    source = (FLOWS / "shapes" / "edited.py").read_text(encoding="utf-8")
    script.write_text(source, encoding="utf-8")
    failed = stage.flow(script, "run", fails=True, FAIL="1")
    before, work, after = source.partition("        self.result = self.base + 1\n")
    after = after.replace("self.next(self.end)", "self.next(self.extra)", 1)
    head, mark, tail = after.partition("    # EDIT: the step to be added goes here\n")
    assert work
    assert mark
    script.write_text(before + work + head + _EXTRA_STEP.lstrip("\n") + tail, encoding="utf-8")
    return [failed, stage.flow(script, "resume", "--origin-run-id", failed.split("/")[1])]


def _kill(stage: Stage) -> list[str]:
    """Run a flow and kill it when one of two siblings is done and the other has read."""

    def so_far(facts: list[dict[str, Any]]) -> bool:
        each = [fact for fact in facts if fact["step"] == "each"]
        return sorted(item["persisted"] for item in each if "text" in item["writes"]) == [
            False,
            True,
        ]

    return [stage.killed_flow("killed", so_far)]


def _from_package(stage: Stage) -> list[str]:
    """Run a flow of several files, with a code package."""
    script = FLOWS / "shapes" / "from_package" / "from_package.py"
    return [stage.flow(Path(script), METAFLOW_FEAT_ALWAYS_UPLOAD_CODE_PACKAGE="1")]


SHAPES: dict[str, Callable[[Stage], list[str]]] = {
    "linear": _run("linear"),
    "single step": _run("single_step"),
    "custom start and end": _run("custom_ends"),
    "foreach": _run("fan"),
    "nested foreach": _run("nested_fan"),
    "foreach, a step, foreach; resumed": _resume("fan_between"),
    "split": _run("split"),
    "split in foreach": _run("split_in_fan"),
    "foreach in split": _run("fan_in_split"),
    "nested splits": _run("nested_split"),
    "num_parallel": _run("parallel_work"),
    "switch": _run("switch"),
    "switch that skips": _run("switch_skip", ("--way", "work"), ("--way", "skip")),
    "switch whose ways fan into one body": _run("switch_fan"),
    "switch in nested foreach": _run("switch_in_nested_fan"),
    "switch that skips in foreach": _run("switch_skip_in_fan"),
    "switch before foreach": _run("fan_behind_switch"),
    "switch in split": _run("switch_in_split"),
    "recursion": _run("recursion"),
    "recursion behind recursion": _run("two_recursions"),
    "recursion in foreach": _run("recursion_in_fan"),
    "retry": _run("tried_twice"),
    "catch": _run("caught"),
    "failed; resumed": _resume("resumed"),
    "edited, then resumed": _edit_and_resume,
    "killed": _kill,
    "joins that choose": _run("chosen_inputs"),
    "joins that merge": _run("merges"),
    "overwritten in foreach": _run("overwritten_in_fan"),
    "self.input read late": _run("late_input"),
    "parameters": _run("given_values"),
    "changed and unchanged values": _run("changed_values"),
    "conditional and computed reads": _run("shaded_reads"),
    "roundabout reads": _run("roundabout_reads"),
    "code in several files": _from_package,
}

SAMPLE = frozenset({"nested foreach", "recursion", "retry", "failed; resumed"})
"""Shapes with most of Metaflow's constructs between them; a recursion is a switch, too."""
