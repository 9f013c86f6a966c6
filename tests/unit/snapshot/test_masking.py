"""Facts of a flow run without secrets."""

from __future__ import annotations

from dataclasses import replace

from mfwb.redaction import MASK, Masked, Masker
from mfwb.snapshot import Attempt, Failure, FlowRun, Loss, Parameter, TaskState
from mfwb.snapshot.masking import with_masked_facts
from tests.support.flow_runs import flow_run, ref, task
from tests.support.secret_kinds import SHAPED, letters

TOKEN = SHAPED[0].text
FAILURE = Failure("ValueError", f"no {TOKEN}", f"line 1\n{TOKEN}\n")
RUN = flow_run(
    replace(
        task("start/1", has=[ref("x")]),
        attempts=(
            Attempt(0, ok=False, started_at=1, finished_at=2, failure=FAILURE),
            Attempt(1, ok=False, started_at=3, finished_at=4, failure=FAILURE),
        ),
        failure=FAILURE,
        state=TaskState.FAILED,
        metadata={
            "git-info": '{"repo_url": "https://a:' + letters("g", 12) + '@h/x.git"}',
            "user": "a",
        },
    )
)


def with_facts(run: FlowRun) -> FlowRun:
    """Return a flow run with secrets in each kind of fact."""
    return replace(
        run,
        tags=("a", f"token:{letters('t', 12)}", TOKEN),
        system_tags=("user:a",),
        doc=f"Uses {TOKEN}.",
        parameters=(
            Parameter("api_key", "Parameter", ref("api_key"), letters("k", 12)),
            Parameter("rate", "Parameter", ref("rate"), 0.5),
            Parameter("credentials", "IncludeFile", ref("credentials"), {"name": "credentials"}),
            Parameter("odd", "Parameter", ref("odd"), "<x>", no_value=f"error at {TOKEN}"),
        ),
        losses=(Loss("x", f"because of {TOKEN}"),),
    )


def test_masked() -> None:
    """Each kind of fact has marks, and the items with marks are named."""
    run = with_facts(RUN)
    masked = with_masked_facts(run, Masker())
    step = masked.steps[0].tasks[0]
    path = run.pathspec

    assert masked.tags == (MASK, "a", f"token:{MASK}")
    assert masked.system_tags == run.system_tags
    assert masked.doc == f"Uses {MASK}."
    assert [parameter.value for parameter in masked.parameters] == [
        *(MASK, 0.5, {"name": "credentials"}, "<x>"),
    ]
    assert masked.parameters[3].no_value == f"error at {MASK}"
    assert masked.losses == (Loss("x", f"because of {MASK}"),)
    failure = Failure("ValueError", f"no {MASK}", f"line 1\n{MASK}\n")
    assert step.failure == failure
    assert [attempt.failure for attempt in step.attempts] == [failure, failure]
    assert step.metadata == {"git-info": '{"repo_url": "https://***@h/x.git"}', "user": "a"}
    assert masked.masked == (
        Masked(f"{path}/_parameters/api_key", 1),
        Masked(f"docstring of {path}", 1),
        Masked(f"exception of attempt 0 of {path}/start/1", 2),
        Masked(f"exception of attempt 1 of {path}/start/1", 4),
        Masked(f"metadata git-info of {path}/start/1", 1),
        Masked(f"tags of {path}", 2),
    )
    assert TOKEN not in repr(masked)


def test_innocent() -> None:
    """A flow run without secrets is equal; so is any without masks."""
    innocent = flow_run(task("start/1", to="end", has=[ref("x")]), task("end/2"))
    off = with_facts(RUN)

    assert with_masked_facts(innocent, Masker()) == innocent
    assert with_masked_facts(off, Masker(enabled=False)) is off
