"""Results as a sync or a plan would return them."""

from __future__ import annotations

from dataclasses import replace

from mfwb.outcome import (
    FlowRunOutcome,
    InputOutcome,
    ItemCounts,
    OutputOutcome,
    Result,
    Status,
    WandbRunOutcome,
)
from mfwb.snapshot import Loss

URL = "https://wandb.example/acme/wines/runs"


def used(name: str, producer: str, kind: str = "dataset") -> InputOutcome:
    """Return an input that some step of WineFlow/7 made."""
    return InputOutcome(name, kind, f"d-{name}", f"WineFlow/7/{producer}", "available")


def made(
    name: str, kind: str, size: int, version: str | None = None, *, same: bool = False
) -> OutputOutcome:
    """Return an output of one file."""
    suffix = "parquet" if kind == "dataset" else "pkl"
    files = (f"{name}.{suffix}",)
    return OutputOutcome(name, kind, f"d-{name}", size, files, deduplicated=same, version=version)


def run(step: str, **facts: object) -> WandbRunOutcome:
    """Return a W&B run of WineFlow/7."""
    slug = step.replace("/", "-")
    whole = WandbRunOutcome(
        id=f"WineFlow-7-{slug}-0-abcd1234",
        name=f"WineFlow/7/{step}",
        job_type=step.split("/", maxsplit=1)[0],
        state="finished",
        url=f"{URL}/WineFlow-7-{slug}-0-abcd1234",
    )
    return replace(whole, **facts)  # type: ignore[arg-type]


def flow_run(*runs: WandbRunOutcome, **facts: object) -> FlowRunOutcome:
    """Return WineFlow/7 as it was synced."""
    whole = FlowRunOutcome(
        pathspec="WineFlow/7",
        status=Status.SYNCED,
        group="WineFlow/7",
        project="wines",
        entity="acme",
        mode="online",
        wandb_runs=runs,
    )
    return replace(whole, **facts)  # type: ignore[arg-type]


BIG = Loss(
    "WineFlow/7/train/4/history", "2,500,000,000 bytes, more than --max-artifact-size allows"
)

RUNS = (
    run(
        "start",
        outputs=(made("wines", "dataset", 12_345, "v0"),),
        summary_keys=("learning_rates",),
        items=ItemCounts(total=2, values=1, written=1),
    ),
    run(
        "split",
        inputs=(used("wines", "start"),),
        outputs=(
            made("test_set", "dataset", 4_100, "v2", same=True),
            made("train_set", "dataset", 8_765, "v2"),
        ),
        passed_on=("learning_rates", "wines"),
        items=ItemCounts(total=2, written=1, deduplicated=1),
    ),
    run(
        "train",
        inputs=(used("train_set", "split"), used("test_set", "split")),
        outputs=(made("model", "model", 1_234_567, "v5"),),
        summary_keys=("accuracy", "learning_rate", "losses"),
        items=ItemCounts(total=11, values=9, written=1, lost=1),
        losses=(BIG,),
    ),
    run(
        "end",
        inputs=(used("model", "train", "model"), used("test_set", "split")),
        items=ItemCounts(total=1, switched_off=1),
        switched_off=("mistakes",),
    ),
)

SYNCED = Result("sync", (flow_run(*RUNS),))


def _planned(one: WandbRunOutcome) -> WandbRunOutcome:
    outputs = tuple(
        replace(output, size_is_estimate=True, version=None, digest=None, deduplicated=False)
        for output in one.outputs
    )
    return replace(one, url=None, outputs=outputs)


PLANNED = Result(
    "plan",
    (flow_run(*map(_planned, RUNS), status=Status.PLANNED, entity=None),),
)


def many_tasks(number: int) -> FlowRunOutcome:
    """Return a flow run by task, with a foreach of that many."""
    trained = [
        run(
            f"train/{task}",
            inputs=(used("train_set", "split/2"),),
            outputs=(made("model", "model", 1_000_000, f"v{task}", same=task % 4 == 0),),
            summary_keys=("accuracy",),
            state="failed" if task == 5 else "finished",
            items=ItemCounts(total=2, values=1, written=1),
        )
        for task in range(3, 3 + number)
    ]
    joined = run(
        "join/999", inputs=tuple(used("model", f"train/{t}") for t in range(3, 3 + number))
    )
    first = run("split/2", outputs=(made("train_set", "dataset", 8_765, "v2"),))
    return flow_run(first, *trained, joined)
