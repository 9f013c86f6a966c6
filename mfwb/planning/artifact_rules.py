"""Rules of the settings for artifacts: which W&B artifact gets what, and which values decide it.

The values are decoded later, by `mfwb.payload.artifact_rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache

from mfwb.conditions import parse_condition
from mfwb.config import ArtifactRules, Settings
from mfwb.planning.classify import Kind, classify
from mfwb.planning.code_artifact import CODE_TYPE
from mfwb.planning.names import run_alias
from mfwb.planning.plan import ArtifactRule, Content, OutputArtifact, PlannedRun, PlannedValue
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import step_of

__all__ = ["add_artifact_rules", "find_rules"]


def add_artifact_rules(
    runs: Iterable[PlannedRun], flow_run: FlowRun, settings: Settings
) -> tuple[PlannedRun, ...]:
    """Return the W&B runs with the rules for the artifacts that they log.

    Metadata is for every version of a name; aliases and links are for the final one, which has the
    alias of the flow run.

    Args:
        runs: the W&B runs, with the aliases of their artifacts.
        flow_run: the flow run.
        settings: the settings of this call.
    """
    rules = settings.artifact_rules_of(flow_run.flow)
    if not rules:
        return tuple(runs)
    draft = _RuleDraft(flow_run, settings, rules)
    return tuple(replace(run, artifact_rules=tuple(draft.rules_of(run))) for run in runs)


def find_rules(name: str, rules: Mapping[str, ArtifactRules]) -> ArtifactRules | None:
    """Return the rules for an artifact of Metaflow; of several patterns the most specific counts.

    Args:
        name: the name of the artifact.
        rules: by pattern of names, specific ones first.
    """
    if name in rules:
        return rules[name]
    return next((rule for pattern, rule in rules.items() if fnmatchcase(name, pattern)), None)


class _RuleDraft:
    """Drafts the rules for the artifacts of one flow run."""

    def __init__(
        self, flow_run: FlowRun, settings: Settings, rules: Mapping[str, ArtifactRules]
    ) -> None:
        self._rules = rules
        self._run_alias = run_alias(flow_run.id)
        self._tasks = {task.pathspec: task for task in flow_run.tasks}
        self._settings_of = cache(lambda step: settings.for_step(flow_run.flow, step))
        self._parameters = {
            parameter.name: parameter.value
            for parameter in flow_run.parameters
            if not parameter.no_value and parameter.kind != "IncludeFile"
        }

    def rules_of(self, run: PlannedRun) -> Iterator[ArtifactRule]:
        """Yield the rules for the artifacts that a W&B run logs."""
        for output in run.outputs:
            rules = find_rules(output.files[0].content.name, self._rules)
            if rules is None or output.type == CODE_TYPE:
                continue
            if self._run_alias not in output.aliases:
                rules = ArtifactRules(metadata=rules.metadata)
            if rules != ArtifactRules():
                yield self._rule(rules, output)

    def _rule(self, rules: ArtifactRules, output: OutputArtifact) -> ArtifactRule:
        in_condition = parse_condition(rules.when).names if rules.when is not None else ()
        in_metadata = (name.partition(".")[0] for name in rules.metadata)
        names = sorted({*in_condition, *in_metadata})
        makers = {picked.pathspec: picked.producer for picked in output.picked}
        tasks = dict.fromkeys(
            tuple(
                dict.fromkeys(
                    (makers.get(file.content.pathspec, file.content.task), file.content.task)
                )
            )
            for file in output.files
        )
        every_task = dict.fromkeys(task for of_content in tasks for task in of_content)
        values = [PlannedValue(name, tuple(self._contents(name, every_task))) for name in names]
        return ArtifactRule(
            artifact=output.name,
            type=output.type,
            aliases=tuple(sorted(set(rules.aliases))),
            link=rules.link,
            when=rules.when,
            metadata=tuple(sorted(set(rules.metadata))),
            tasks=tuple(tasks),
            values=tuple(value for value in values if value.contents),
            parameters={name: self._parameters[name] for name in names if name in self._parameters},
        )

    def _contents(self, name: str, pathspecs: Iterable[str]) -> Iterator[Content]:
        """Yield the plain values that tasks hold under a name: their own, and what they got."""
        for pathspec in pathspecs:
            task = self._tasks.get(pathspec)  # none of a parameter's file
            if task is None:
                continue
            settings = self._settings_of(step_of(pathspec))
            yield from (
                Content(pathspec, name, ref.sha1, ref.size)
                for ref in task.artifacts
                if ref.name == name and classify(ref, settings).kind is Kind.VALUE
            )
