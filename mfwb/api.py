"""mfwb from Python: what the command line is a thin face of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfwb.config import Settings, load_settings
from mfwb.errors import UsageError
from mfwb.explaining import Explanation, parse_artifact
from mfwb.explaining import explain as explain_artifact
from mfwb.outcome import Result
from mfwb.pipeline import Parts, choose, plan_flow_runs, sync_flow_runs
from mfwb.ports import Progress
from mfwb.snapshot.pathspec import Pathspec, parse
from mfwb.tracing import TracedFlowRun, trace

__all__ = ["Explanation", "TracedFlowRun", "explain", "lineage", "plan", "sync"]


class _Unwatched:
    """Progress that nobody looks at."""

    def flow_run(self, pathspec: str, position: int, total: int) -> None:
        """Say nothing."""

    def wandb_runs(self, total: int) -> None:
        """Say nothing."""

    def advance(self) -> None:
        """Say nothing."""


def plan(
    *pathspecs: str,
    last: int | None = None,
    config: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Result:
    """Return what `sync` with the same arguments would do. W&B is not asked.

    Args:
        *pathspecs: `Flow/123`, `Flow/latest`, or `Flow` with `last`.
        last: of a flow named without a run, this many of the newest flow runs.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: told what is going on; None: nobody watches.
        **settings: fields of `mfwb.config.Settings`, such as `project` or `granularity`;
            None counts as not said.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    return _run(plan_flow_runs, _Call(pathspecs, last, config, progress), settings)


def sync(
    *pathspecs: str,
    last: int | None = None,
    config: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Result:
    """Replay flow runs into W&B and return what was done. Arguments as of `plan`.

    A flow run that can't be synced is in the result with status `failed` and a reason; the
    others go on.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        Unreachable: if Metaflow or W&B can't be reached, or W&B refuses the credentials.
        LockHeld: if another sync works with the same ledger.
    """
    return _run(sync_flow_runs, _Call(pathspecs, last, config, progress), settings)


def lineage(
    pathspec: str,
    *,
    config: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> TracedFlowRun:
    """Return one flow run and its rebuilt lineage. W&B has no part in it.

    Args:
        pathspec: `Flow/123` or `Flow/latest`. A flow run that still goes on is no error.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: told what is going on; None: nobody watches.
        **settings: fields of `mfwb.config.Settings`; `metadata` and `namespace` matter here.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        NotThere: if there is no such flow run.
        SourceError: if it can't be read.
        LineageError: if what was recorded of it contradicts itself.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    choice = parse(pathspec)
    if choice.run is None:
        raise UsageError(
            f"lineage is that of one flow run: say {choice}/123 or {choice}/latest, "
            f"rather than {choice}"
        )
    resolved = load_settings(settings, file=config)
    from mfwb.wiring import wire_source  # noqa: PLC0415 - it brings Metaflow

    with wire_source(resolved) as (source, payloads):
        [found] = source.find(choice, None)
        (progress or _Unwatched()).flow_run(str(found), 0, 1)
        return trace(found, source, payloads)


def explain(
    pathspec: str,
    *,
    config: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Explanation:
    """Return what an artifact is, what W&B would get of it, and why. W&B has no part in it.

    Args:
        pathspec: `Flow/123/train/model`, `Flow/latest/train/model`, `Flow/123/train/4/model` of
            one task, or `Flow/123/_parameters/alpha`.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: told what is going on; None: nobody watches.
        **settings: fields of `mfwb.config.Settings`, as a sync would be given them.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        NotThere: if there is no such flow run, step, task or artifact.
        SourceError: if it can't be read.
        LineageError: if what was recorded of the flow run contradicts itself.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    asked = parse_artifact(pathspec)
    resolved = _with_plugins(load_settings(settings, file=config))
    flow = asked.flow_run.flow
    from mfwb.wiring import wire_source  # noqa: PLC0415 - it brings Metaflow

    with wire_source(resolved) as (source, payloads):
        [found] = source.find(asked.flow_run, None)
        (progress or _Unwatched()).flow_run(str(found), 0, 1)
        return explain_artifact(
            asked.of(found),
            resolved,
            source,
            payloads,
            entity=resolved.entity_of(flow) or os.environ.get("WANDB_ENTITY"),
            project=resolved.project_of(flow) or os.environ.get("WANDB_PROJECT") or flow,
        )


@dataclass(frozen=True, slots=True)
class _Call:
    pathspecs: Sequence[str]
    last: int | None
    config: Path | None
    progress: Progress | None


_Act = Callable[[Iterable[Pathspec], Settings, Parts], Result]


def _run(act: _Act, call: _Call, settings: dict[str, Any]) -> Result:
    choices = [parse(text) for text in call.pathspecs]
    if not choices:
        raise UsageError("say which flow runs: Flow/123, Flow/latest or Flow --last 5")
    resolved = _with_plugins(load_settings(settings, file=call.config))
    from mfwb.wiring import wire  # noqa: PLC0415 - it brings both SDKs

    with wire(resolved, call.progress or _Unwatched()) as parts:
        found = choose(choices, call.last, parts.source)
        return act(found, resolved, parts)


def _with_plugins(settings: Settings) -> Settings:
    from mfwb.payload.plugins import find_plugins  # noqa: PLC0415 - it looks through all packages

    return settings.model_copy(update={"plugins": find_plugins()})
