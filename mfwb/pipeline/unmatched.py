"""What the user named and nothing matches: tags, and tables of the settings for flows and steps."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase

from mfwb.config import Settings
from mfwb.errors import MfwbError
from mfwb.ports import ListedFlowRun
from mfwb.snapshot import FlowRun
from mfwb.suggestions import did_you_mean, list_some

__all__ = ["TableUse", "describe_unmatched_tags", "notes_on_flows"]


def describe_unmatched_tags(
    tags: Sequence[str], listed: Collection[ListedFlowRun], condition: str
) -> str:
    """Return one line that says why no flow run with these tags was selected.

    Args:
        tags: that a flow run has to have, all of them.
        listed: the flow runs that were looked at.
        condition: what else they have to meet, as in "started in that time"; empty: nothing.
    """
    flows = {flow_run.pathspec.flow for flow_run in listed}
    looked = f"{_number(len(listed), 'flow run')} of {_number(len(flows), 'flow')} looked at"
    users = {tag for flow_run in listed for tag in flow_run.tags}
    known = {tag for flow_run in listed for tag in flow_run.system_tags} | users
    unknown = [tag for tag in tags if tag not in known]
    if unknown:
        hint = did_you_mean(unknown[0], known) or list_some("their tags are", sorted(users))
        return f"none has the tag {unknown[0]!r}, {looked}{hint or '; they have no tags of users'}"
    all_tags = " and ".join(map(repr, tags))
    end = f", and {condition}" if condition else ""
    return f"none has the tag{'' if len(tags) == 1 else 's'} {all_tags}{end}, {looked}"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class TableUse:
    """Which tables of the settings apply to something, as far as flow runs were read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._steps: dict[str, set[str]] = {}  # of the flow runs that were read, by flow
        self._artifacts: dict[str, set[str]] = {}

    def add(self, flow_run: FlowRun) -> None:
        """Take note of a flow run: its steps, also those that did not run, and its artifacts."""
        flow = flow_run.flow
        if flow not in self._settings.flow:
            return
        steps = self._steps.setdefault(flow, set())
        steps.update(step.name for step in flow_run.steps)
        steps.update(step.name for step in flow_run.graph)
        artifacts = self._artifacts.setdefault(flow, set())
        artifacts.update(parameter.name for parameter in flow_run.parameters)
        artifacts.update(ref.name for task in flow_run.tasks for ref in task.artifacts)

    def notes(
        self, selected: Collection[str], all_flows: Callable[[], Collection[str]] | None = None
    ) -> Iterator[str]:
        """Yield a line for each table that matches nothing.

        Args:
            selected: the flows whose runs were selected.
            all_flows: returns the names of all flows that Metaflow has; None: then a table of
                another flow counts only if its name is similar to that of a selected flow.
        """
        others = [flow for flow in self._settings.flow if flow not in selected]
        for flow in self._settings.flow:
            if flow in selected:
                yield from self._notes_on_parts(flow)
            elif all_flows is None and (hint := did_you_mean(flow, [*selected])):
                yield f"[flow.{flow}] is for none of the flows that were selected{hint}"
        if all_flows is not None and others:
            with suppress(MfwbError):  # if they can't be listed, nothing is known of other flows
                yield from notes_on_flows(others, all_flows())

    def _notes_on_parts(self, flow: str) -> Iterator[str]:
        table, steps = self._settings.flow[flow], self._steps.get(flow)
        if not steps:  # no run of the flow was read
            return
        for step in table.step:
            if step not in steps:
                hint = did_you_mean(step, steps) or list_some("its steps are", sorted(steps))
                yield f"[flow.{flow}.step.{step}] matches nothing: {flow} has no such step{hint}"
        names = self._artifacts[flow]
        for pattern in table.artifact:
            if not any(fnmatchcase(name, pattern) for name in names):
                hint = did_you_mean(pattern, names)
                yield (
                    f"[flow.{flow}.artifact.{pattern}] matches nothing: {flow} has no such "
                    f"artifact{hint}"
                )


def notes_on_flows(named: Iterable[str], names: Collection[str]) -> Iterator[str]:
    """Yield a line for each table of a flow that does not exist.

    Args:
        named: the flows that the settings have a table for.
        names: all flows that Metaflow has.
    """
    for flow in named:
        if flow not in names:
            hint = did_you_mean(flow, names) or list_some("the flows are", sorted(names))
            yield f"[flow.{flow}] matches nothing: Metaflow has no such flow{hint}"
