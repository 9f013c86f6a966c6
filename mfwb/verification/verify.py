"""Compare one flow run in Metaflow with what W&B says of it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from mfwb.config import Settings
from mfwb.isolation.forkserver import Forkserver
from mfwb.units.subsets import NOTHING, Subset
from mfwb.verification.compare import Comparison, compare
from mfwb.verification.digests import compare_digests
from mfwb.verification.expected.model import ExpectedFlowRun
from mfwb.verification.findings import writer_of
from mfwb.verification.recorded import Recorded, RecordedArtifact, RecordedFlowRun
from mfwb.verification_outcome import FlowRunVerification, Verdict

__all__ = ["Shared", "verify_flow_run"]

_DIFFERENT = 6  # exit code


@dataclass(frozen=True, slots=True)
class Shared:
    """What the verifications of several flow runs share.

    Attributes:
        reading: is entered while Metaflow's client is used, which is not for several threads.
        values: starts the processes that read pickles; None: each flow run has its own.
    """

    reading: AbstractContextManager[object] = field(default_factory=nullcontext)
    values: Forkserver | None = None


def verify_flow_run(
    pathspec: str,
    settings: Settings,
    recorded: Recorded,
    read_data: Subset = NOTHING,
    shared: Shared | None = None,
) -> FlowRunVerification:
    """Return how a flow run in W&B differs from what Metaflow says of it.

    Call it within `mfwb.source.session.open_source(settings)`, which sets up Metaflow's client.

    Args:
        pathspec: `Flow/123`, complete: no `latest`.
        settings: those of a sync, which decide what W&B should have.
        recorded: the W&B project of the flow.
        read_data: the files whose bytes are read back and compared.
        shared: what it shares with other flow runs; None: nothing.

    Raises:
        SinkError: W&B does not answer.
        MfwbError: Metaflow does not answer, or has no such flow run.
    """
    from mfwb.verification.expected.build import expect_flow_run  # noqa: PLC0415 - it imports metaflow
    from mfwb.verification.expected.contents import Contents  # noqa: PLC0415 - the same
    from mfwb.verification.expected.flow_run_reader import FlowRunReader  # noqa: PLC0415 - the same
    from mfwb.verification.expected.masked import mask_facts  # noqa: PLC0415 - the same
    from mfwb.verification.expected.value_reader import (  # noqa: PLC0415 - the same
        ValueReader,
        new_value_process,
    )
    from mfwb.verification.read_back import (  # noqa: PLC0415 - the same
        ReadBack,
        leave_lost_cards_open,
        read_back,
    )

    before = recorded.requests
    masker = settings.redact.make_masker()
    with_others = shared or Shared()
    turn = with_others.reading
    with turn:
        reader = FlowRunReader(settings)
        facts = mask_facts(reader.read(pathspec), masker)
    if facts.state == "running":
        return FlowRunVerification(
            pathspec, Verdict.SKIPPED, reason="it is still running", group=pathspec, exit_code=0
        )
    with new_value_process(with_others.values) as process:
        with turn:
            contents = Contents(
                facts,
                ValueReader(process),
                lambda datastore: reader.store(facts.flow, datastore),
                masker,
            )
            expected = expect_flow_run(facts, settings, reader, contents)
        actual = _read_groups(expected, recorded)
        comparison = compare(expected, actual, masker)
        compare_digests(actual, comparison.findings)
        source = ReadBack(
            recorded, reader, contents, expected, comparison.findings, settings.redact.model_dump()
        )
        leave_lost_cards_open(comparison, source)
        if not read_data.is_empty:
            read_back(comparison, source, read_data)
    result = _to_result(pathspec, expected, comparison, actual.group)
    return replace(result, requests=recorded.requests - before, bytes_read=source.bytes_read)


def _read_groups(expected: ExpectedFlowRun, recorded: Recorded) -> RecordedFlowRun:
    """Return the W&B runs of all groups that the settings give to steps of the flow run."""
    groups = list(dict.fromkeys(run.group for run in expected.runs)) or [expected.pathspec]
    with_links = any(
        artifact.rule is not None and artifact.rule.link is not None
        for run in expected.runs
        for artifact in run.artifacts
    )
    read = [
        recorded.flow_run(group, expected.rule_aliases, with_links=with_links) for group in groups
    ]
    aliased: dict[tuple[str, str], list[RecordedArtifact]] = {}
    for group_runs in read:
        for key, versions in group_runs.aliased.items():
            known = aliased.setdefault(key, [])
            keys = {version.key for version in known}
            known += [version for version in versions if version.key not in keys]
    runs = [run for group_runs in read for run in group_runs.runs]
    has_project = any(part.has_project for part in read)
    return RecordedFlowRun(groups[0], runs, aliased, read[0].damaged, has_project=has_project)


def _to_result(
    pathspec: str, expected: ExpectedFlowRun, comparison: Comparison, group: str
) -> FlowRunVerification:
    findings = comparison.findings
    is_same = not findings.differences
    writers = {version for _, run in comparison.runs if (version := writer_of(run)) is not None}
    return FlowRunVerification(
        pathspec,
        Verdict.SAME if is_same else Verdict.DIFFERENT,
        group=group,
        written_by=tuple(sorted(writers)),
        wandb_runs=tuple(run.name for run in expected.runs),
        compared=dict(sorted(findings.compared.items())),
        differences=tuple(findings.differences),
        unknown=tuple(findings.unknown),
        exit_code=0 if is_same else _DIFFERENT,
    )
