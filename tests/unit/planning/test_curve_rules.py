"""Which artifacts may become charts."""

from __future__ import annotations

from dataclasses import replace

from mfwb.config import Settings
from mfwb.lineage import rebuild_lineage
from mfwb.planning import PlannedRun, draft_plan
from mfwb.planning.curve_rules import CurveRules, select_curve_rules
from tests.support.flow_runs import at, data_frame, flow_run, ref, task

ITEMS, LOSS = (
    replace(ref(name, digit, "list"), names=()) for name, digit in (("items", "1"), ("loss", "2"))
)
FAN = flow_run(
    task("start/1", to="work", over="items", has=[ITEMS, LOSS]),
    task("work/2", to="end", has=[data_frame("log", "3")], foreach=at("start:items:0")),
    task("end/3"),
)


def _runs(**settings: object) -> dict[str, PlannedRun]:
    plan = draft_plan(
        FAN, rebuild_lineage(FAN), Settings.model_validate(settings), entity="acme", project="wines"
    )
    return {run.job_type: run for run in plan.runs}


def test_rules() -> None:
    """All but lists of a foreach; those that a pattern names; none."""
    names = ["items", "loss", "loss_val"]

    assert select_curve_rules(names, curves=True, iterated={"items"}) == CurveRules(
        iterated=("items",)
    )
    assert select_curve_rules(names, ("loss",), {"items"}) == CurveRules(
        ("items", "loss_val"), ("loss",)
    )
    assert select_curve_rules(names, ("it*",), {"items"}).named == ("items",)
    assert select_curve_rules(names, curves=False, iterated=()) == CurveRules(
        ("items", "loss", "loss_val")
    )


def test_rules_in_the_plan() -> None:
    """A changed setting is another plan; the list of a foreach is a fact of the flow run."""
    default, off, named = _runs(), _runs(curves=False), _runs(curves=["lo*"])

    assert default["start"].iterated == ("items",)
    assert (off["start"].no_curves, off["work"].no_curves) == (("items", "loss"), ("log",))
    assert (named["start"].named_curves, named["work"].named_curves) == (("loss",), ("log",))
    prints = {runs["start"].fingerprint for runs in (default, off, named)}
    assert len(prints) == 3
