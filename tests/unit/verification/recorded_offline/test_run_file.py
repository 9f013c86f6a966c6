"""The records of a `.wandb` file as one W&B run."""

from __future__ import annotations

import pytest
from wandb.proto import wandb_internal_pb2 as pb

from mfwb.verification.recorded_offline.run_file import read_run


def _item(key: str, value: str, *nested: str) -> dict[str, object]:
    return {"nested_key": [key, *nested], "value_json": value}


RUN = pb.Record(
    run=pb.RunRecord(
        run_id="r",
        display_name="F/1/fit",
        run_group="F/1",
        tags=["a", "b"],
        config=pb.ConfigRecord(update=[pb.ConfigItem(**_item("metaflow", '"F"', "flow"))]),
    )
)


def test_records_are_put_together() -> None:
    """Config and summary are nested and updated, and logs are split into lines."""
    summary = pb.SummaryRecord(
        update=[pb.SummaryItem(**_item("x", "1")), pb.SummaryItem(**_item("y", "2"))]
    )
    removed = pb.SummaryRecord(remove=[pb.SummaryItem(key="y")])
    run = read_run(
        [
            RUN,
            pb.Record(summary=summary),
            pb.Record(summary=removed),
            pb.Record(output_logger=pb.OutputLoggerRecord(line="one\ntwo\n")),
            pb.Record(artifact=pb.ArtifactRecord(name="made")),
            pb.Record(artifact=pb.ArtifactRecord(name="read", use_after_commit=True)),
            pb.Record(exit=pb.RunExitRecord(exit_code=0)),
        ]
    )

    assert (run.id, run.name, run.group, sorted(run.tags)) == ("r", "F/1/fit", "F/1", ["a", "b"])
    assert run.config == {"metaflow": {"flow": "F"}}
    assert run.summary == {"x": 1}
    assert run.log == ["one", "two"]
    assert [artifact.name for artifact in run.logged] == ["made"]
    assert [artifact.name for artifact in run.used] == ["read"]


def test_history_has_repeated_steps() -> None:
    """The first row of a step counts, and a second one is reported."""
    rows = [
        pb.Record(
            history=pb.HistoryRecord(
                step=pb.HistoryStep(num=step), item=[pb.HistoryItem(**_item("x", value))]
            )
        )
        for step, value in ((0, "1"), (1, "2"), (1, "3"))
    ]

    assert read_run([RUN, *rows]).history == ({0: {"x": 1}, 1: {"x": 2}}, (1,))


@pytest.mark.parametrize(("code", "state"), [(None, "running"), (0, "finished"), (1, "failed")])
def test_states(code: int | None, state: str) -> None:
    """A file without an exit record was not written to its end."""
    ends = [] if code is None else [pb.Record(exit=pb.RunExitRecord(exit_code=code))]

    assert read_run([RUN, *ends]).state == state


def test_a_file_without_a_w_and_b_run() -> None:
    """Records of something else are an error."""
    with pytest.raises(ValueError, match="no W&B run"):
        read_run([pb.Record(exit=pb.RunExitRecord(exit_code=0))])
