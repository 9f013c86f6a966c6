"""Ids, fingerprints and digests, byte for byte as an earlier mfwb wrote them.

A W&B run that was synced before an update of mfwb must be found unchanged after it. These values
are those of the commit before modules and names were moved; whoever changes one of them on purpose
makes every synced W&B run of every user be written again, and should say so in the changelog.
"""

from __future__ import annotations

import pytest

from mfwb.config import Settings
from mfwb.lineage import rebuild_lineage
from mfwb.planning import Plan, draft_plan
from mfwb.snapshot import FlowRun
from tests.support.flow_runs import (
    at,
    data_frame,
    flow_run,
    model,
    parameter,
    ref,
    renamed,
    task,
    tried,
)

LINE = flow_run(
    task("start/1", to="end", has=[ref("alpha", "9", "float"), ref("x", "1")], attempts=(tried(),)),
    task("end/2", has=[ref("alpha", "9", "float"), ref("x", "2"), model("best", "3")]),
    parameters=(parameter("alpha", 0.5),),
    tags=("prod",),
)
FAN = flow_run(
    task("start/1", to="work", over="items", has=[ref("items", "1", "list")]),
    task(
        "work/2",
        to="join",
        has=[ref("items", "1", "list"), data_frame("rows", "2")],
        foreach=at("start:items:0"),
    ),
    task(
        "work/3",
        to="join",
        has=[ref("items", "1", "list"), data_frame("rows", "4")],
        foreach=at("start:items:1"),
    ),
    task("join/4", to="end", has=[data_frame("all_rows", "5")]),
    task("end/5", has=[data_frame("all_rows", "5"), ref("score", "6", "float")]),
)


def plan_of(run: FlowRun, granularity: str, *, masks: bool = False) -> Plan:
    """Return the plan of a flow run at one destination."""
    run = renamed(run, "DemoFlow", "1700000000000000")  # as Metaflow makes them locally
    settings = Settings.model_validate({"granularity": granularity, "redact": masks})
    return draft_plan(run, rebuild_lineage(run), settings, entity="acme", project="wines")


EXPECTED = {
    ("fan", "step"): (
        "0ecf103ea677e0376ffe01b40c594f94fd168cc528e477f4d0f05c47e036eb6e",
        [
            (
                "DemoFlow-1700000000000000-start-2ba414281533",
                "718247afe9d1475b39b1e5433c52bd69171c8d8f.984ca162b349dbe271320e58a516570209eea231",
            ),
            (
                "DemoFlow-1700000000000000-work-c20e07505217",
                "434308c21526f258dc4bab9d2ce4bb3d272c270f.cd067e89f01d93c402cb1e6dd671f5fd9fd11ae9",
            ),
            (
                "DemoFlow-1700000000000000-join-52786bc9eeab",
                "be1600e40fa5148a1eacfc53d3e7200917f26391.e164b077ad2e0f34b11d2325f54f5cc08ec57b1a",
            ),
            (
                "DemoFlow-1700000000000000-end-ca8e6e564840",
                "37db29d4bc9df36c3b8c444b7ee672804dbe8913.f9f0674b9876e34e832886eebf379cf21d8ab1e6",
            ),
        ],
    ),
    ("fan", "task"): (
        "316ec40c21193d3fe4f81d324bafef09052f6e38590887b0a6985197d0604828",
        [
            (
                "DemoFlow-1700000000000000-start-1-60a114169e6f",
                "6dbcbb5540e9d82b15f71740cc46f84f97bf6f31.5ecc642a1d9f4f2771f7143f5e727def0ee4dd0a",
            ),
            (
                "DemoFlow-1700000000000000-work-2-ad5c7116b3ef",
                "a05d4bf45e22a1be34abc50c9be0c79b21d33648.3a63c8b7f71de91fa2fb0b3bb21114b08aa1f7a5",
            ),
            (
                "DemoFlow-1700000000000000-work-3-b9d5a25c61c7",
                "343bcac88ce792f19d97dc7562dc637f04fd985d.410739113cfec4b05d050be9c40d946aae72b6d2",
            ),
            (
                "DemoFlow-1700000000000000-join-4-ae0e1fda7830",
                "6a62a4ea104690bb8d9194ddeac58e0276bcb640.9bc27a229e24dfff79f705fa15f67f80389a1625",
            ),
            (
                "DemoFlow-1700000000000000-end-5-afd7bfea77c8",
                "472aeaee46a5abeb9b3642a22d21e40f9450e5d4.bfcb4ad20c14e2442197577fa55af795939ff968",
            ),
        ],
    ),
    ("line", "step"): (
        "2c99ca76f9bb1e7387eba03b01d9a8411415d43b1f4b68dfd55513d723b5697d",
        [
            (
                "DemoFlow-1700000000000000-start-2ba414281533",
                "3ac758e0e4c45ed10ab945373ae13dc13c17e1f1.409634307e1fa266ce627a4ae30362a67019abe8",
            ),
            (
                "DemoFlow-1700000000000000-end-ca8e6e564840",
                "1ace11e4760081c925e1f4bfd15b03b8d0d5ed8a.17366baf39467537cba9bbdd763a8667d55999fd",
            ),
        ],
    ),
    ("line", "task"): (
        "55c4f0ed80fd36ea52dd28f967605d257e05f07504b5f6d514e3b417adc15262",
        [
            (
                "DemoFlow-1700000000000000-start-1-60a114169e6f",
                "8b664f61f0487e537c93325dd97ad4ced71936d9.11b00ea10c917ddfb5ff381207dc9c210215ab19",
            ),
            (
                "DemoFlow-1700000000000000-end-2-d22a031dd83b",
                "84bbc0a05aefd11a07e0df338a7d26daa102bc85.db8369986d04599cfc1e6ef54800cdc05cb371e9",
            ),
        ],
    ),
}


@pytest.mark.parametrize("granularity", ["step", "task"])
@pytest.mark.parametrize("name", ["line", "fan"])
def test_as_before(name: str, granularity: str) -> None:
    """Without masks, a plan has the same digest, and its W&B runs the same ids and fingerprints."""
    plan = plan_of({"line": LINE, "fan": FAN}[name], granularity)

    digest, runs = EXPECTED[name, granularity]
    assert [(run.id, run.fingerprint) for run in plan.runs] == runs
    assert plan.digest == digest


def test_masks_are_written_anew() -> None:
    """With masks, what can't be changed in place has another fingerprint; ids and texts do not."""
    with_masks, without = plan_of(LINE, "step", masks=True), plan_of(LINE, "step")

    for masked, plain in zip(with_masks.runs, without.runs, strict=True):
        content, texts = masked.fingerprint.split(".")
        assert masked.id == plain.id
        assert content != plain.fingerprint.split(".")[0]
        assert texts == plain.fingerprint.split(".")[1]
