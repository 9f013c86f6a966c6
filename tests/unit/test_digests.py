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


def plan_of(run: FlowRun, granularity: str) -> Plan:
    """Return the plan of a flow run at one destination."""
    run = renamed(run, "DemoFlow", "1700000000000000")  # as Metaflow makes them locally
    settings = Settings.model_validate({"granularity": granularity})
    return draft_plan(run, rebuild_lineage(run), settings, entity="acme", project="wines")


EXPECTED = {
    ("fan", "step"): (
        "0ed50184b5c92c3cb6669176989fd813fddd75935719ea9496e16e5c332d9a95",
        [
            (
                "DemoFlow-1700000000000000-start-2ba414281533",
                "718247afe9d1475b39b1e5433c52bd69171c8d8f.71f1ae81a8fd5c01ef94f16a9cad83d9a2235573",
            ),
            (
                "DemoFlow-1700000000000000-work-c20e07505217",
                "434308c21526f258dc4bab9d2ce4bb3d272c270f.9a0c7a4a510f0452cd8a6cc3b66bd5bf7e949150",
            ),
            (
                "DemoFlow-1700000000000000-join-52786bc9eeab",
                "be1600e40fa5148a1eacfc53d3e7200917f26391.26b522c5899db826cf1ff68c5aaef0ad23b82c30",
            ),
            (
                "DemoFlow-1700000000000000-end-ca8e6e564840",
                "37db29d4bc9df36c3b8c444b7ee672804dbe8913.efb882ca8bb00a623892eb0513d64bf796b8aa63",
            ),
        ],
    ),
    ("fan", "task"): (
        "6e16cbaaa093444609f2844ff57ffabc8e1e08e98298935cd9de7e31f73a3713",
        [
            (
                "DemoFlow-1700000000000000-start-1-60a114169e6f",
                "6dbcbb5540e9d82b15f71740cc46f84f97bf6f31.a5ca9fc8ff794c7a6e5ccac1bc6463887a39bb3d",
            ),
            (
                "DemoFlow-1700000000000000-work-2-ad5c7116b3ef",
                "a05d4bf45e22a1be34abc50c9be0c79b21d33648.41934bc5331daaa087b2fe74fcaba294b6f78122",
            ),
            (
                "DemoFlow-1700000000000000-work-3-b9d5a25c61c7",
                "343bcac88ce792f19d97dc7562dc637f04fd985d.ef4514dbd52bd7e8358eec1fca5e92908fa0ca05",
            ),
            (
                "DemoFlow-1700000000000000-join-4-ae0e1fda7830",
                "6a62a4ea104690bb8d9194ddeac58e0276bcb640.a82914db786d13ddf43265a808866edfb565ee91",
            ),
            (
                "DemoFlow-1700000000000000-end-5-afd7bfea77c8",
                "472aeaee46a5abeb9b3642a22d21e40f9450e5d4.0c4156399b585f8ae917983f5b1b5f86595ea21e",
            ),
        ],
    ),
    ("line", "step"): (
        "4abc695568af39f60ee3595eba39a6d6079fca781b56ebe55227b9ca12b1b128",
        [
            (
                "DemoFlow-1700000000000000-start-2ba414281533",
                "3ac758e0e4c45ed10ab945373ae13dc13c17e1f1.38af9671783d95a66146439fd999e42e8b90347b",
            ),
            (
                "DemoFlow-1700000000000000-end-ca8e6e564840",
                "1ace11e4760081c925e1f4bfd15b03b8d0d5ed8a.40c80ccefe993ee71a636e8d47370acc88709ea0",
            ),
        ],
    ),
    ("line", "task"): (
        "ab7723cabcfcef7ffd393dcc4d8895e166ba45a0c0a3f84e7d3c8bddd4b5e7b7",
        [
            (
                "DemoFlow-1700000000000000-start-1-60a114169e6f",
                "8b664f61f0487e537c93325dd97ad4ced71936d9.3a398dc41135c65389b9b170ee7ab089b68e6ef4",
            ),
            (
                "DemoFlow-1700000000000000-end-2-d22a031dd83b",
                "84bbc0a05aefd11a07e0df338a7d26daa102bc85.b1886aac252787316d353419bf70679c007cc72b",
            ),
        ],
    ),
}


@pytest.mark.parametrize("granularity", ["step", "task"])
@pytest.mark.parametrize("name", ["line", "fan"])
def test_as_before(name: str, granularity: str) -> None:
    """A plan has the same digest, and its W&B runs the same ids and fingerprints."""
    plan = plan_of({"line": LINE, "fan": FAN}[name], granularity)

    digest, runs = EXPECTED[name, granularity]
    assert [(run.id, run.fingerprint) for run in plan.runs] == runs
    assert plan.digest == digest
