"""A flow that syncs other flow runs when they have ended: `@trigger_on_finish`, Argo Events.

    python -m mfwb.flows.sync_flow argo-workflows create

`sync.json` in the current folder names the flows, and the arguments of `mfwb sync`:

    {"flows": ["TrainFlow"], "arguments": ["--entity", "team"]}
"""

from __future__ import annotations

import json
from typing import Any

from metaflow import (
    Config,
    FlowSpec,
    Parameter,
    config_expr,
    current,
    retry,
    step,
    trigger_on_finish,
)
from metaflow.exception import MetaflowException

__all__ = ["MfwbSyncFlow"]


def _read_settings(text: str) -> dict[str, Any]:
    """Return what `sync.json` says; MetaflowException."""
    try:
        settings = json.loads(text)
    except ValueError:
        settings = None
    known = settings if isinstance(settings, dict) else {}
    lists = (known.get("flows"), known.get("arguments", []))
    if not known.get("flows") or not all(map(_is_list_of_texts, lists)):
        raise MetaflowException(
            "write the JSON of the configuration sync, which is sync.json by default, "
            'like {"flows": ["TrainFlow"], "arguments": ["--entity", "team"]}'
        )
    return known


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


@trigger_on_finish(flows=config_expr("sync.flows"))
class MfwbSyncFlow(FlowSpec):
    """Sync the flow runs that triggered this one, or those of --pathspecs."""

    sync = Config(
        "sync",
        default="sync.json",
        parser=_read_settings,
        help="The flows, and the arguments of `mfwb sync`",
    )
    pathspecs = Parameter(
        "pathspecs", default="", help="Flow runs to sync without a trigger: 'Flow/1 Flow/2'"
    )

    @retry(times=3)
    @step
    def start(self) -> None:
        """Sync in a process of its own; fail if a flow run failed, so that it is tried again."""
        from mfwb.sync_process import run_sync

        trigger = getattr(current, "trigger", None)
        triggered = [run.pathspec for run in (trigger and trigger.runs) or ()]
        pathspecs = [*dict.fromkeys((*self.pathspecs.split(), *triggered))]
        if not pathspecs:
            raise ValueError("no flow run to sync: nothing triggered this one, nor --pathspecs")
        # They have ended, even if their records do not show it yet: hence no waiting.
        done = run_sync(["--abandoned-after=0s", *self.sync.get("arguments", ()), "--", *pathspecs])
        self.synced: list[dict[str, Any]] = [
            {name: flow_run[name] for name in ("pathspec", "status", "reason", "project")}
            for flow_run in done.document.get("flow_runs", ())
        ]
        if done.exit_code != 0:
            raise RuntimeError(f"mfwb sync ended with exit code {done.exit_code}; see the log")
        self.next(self.end)

    @step
    def end(self) -> None:
        """Nothing is left to do."""
        for flow_run in self.synced:
            print(flow_run["pathspec"], flow_run["status"], flow_run["reason"] or "")


if __name__ == "__main__":
    MfwbSyncFlow()
