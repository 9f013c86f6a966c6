"""Compares what the rules of the settings gave to artifacts: aliases, metadata and links.

A bundle has no aliases and links of rules: a push makes them.
"""

from __future__ import annotations

from collections.abc import Mapping

from mfwb.verification.compare_artifacts import find_logged
from mfwb.verification.compare_run import matches_option, shown_value
from mfwb.verification.compare_uses import is_of_older_flow_run
from mfwb.verification.expected.model import ExpectedFlowRun, ExpectedRule, ExpectedRun
from mfwb.verification.findings import EDITED, Findings
from mfwb.verification.recorded import RecordedArtifact, RecordedFlowRun, RecordedRun

__all__ = ["compare_rules"]

_REGISTRY_PREFIX = "wandb-registry-"


def compare_rules(
    expected: ExpectedFlowRun,
    recorded: RecordedFlowRun,
    pairs: Mapping[str, tuple[ExpectedRun, RecordedRun]],
    findings: Findings,
) -> None:
    """Note aliases, metadata and links of rules that are missing, moved or different."""
    for own, actual in pairs.values():
        for artifact in own.artifacts:
            if artifact.rule is None:
                continue
            for version in find_logged(artifact, actual)[:1]:
                item = f"{own.name} artifact {artifact.artifact}, rules"
                if artifact.rule.reason is not None:
                    findings.leave_open(item, artifact.rule.reason)
                    continue
                if version.producer == actual.id:  # of equal contents, the first has its metadata
                    _compare_metadata(own.name, item, artifact.rule, version, findings)
                if version.version is not None and expected.alias in version.aliases:
                    for alias in sorted(artifact.rule.aliases):
                        _compare_alias(alias, version, expected, recorded, findings)
                    if artifact.rule.link is not None:
                        _compare_link(artifact.rule.link, version, expected, recorded, findings)


def _compare_metadata(
    run: str, item: str, rule: ExpectedRule, version: RecordedArtifact, findings: Findings
) -> None:
    for key, value in rule.metadata.items():
        findings.count("metadata")
        if not value.options:
            findings.leave_open(f"{item}: metadata {key}", value.reason or "open")
            continue
        actual = version.metadata.get(key)
        if key in version.metadata and any(
            matches_option(option, actual) for option in value.options
        ):
            continue
        findings.differ(
            "artifact", f"{item}: metadata {key}", run, shown_value(value), actual, EDITED
        )


def _compare_alias(
    alias: str,
    version: RecordedArtifact,
    expected: ExpectedFlowRun,
    recorded: RecordedFlowRun,
    findings: Findings,
) -> None:
    findings.count("alias")
    item = f"{version.name}:{alias}"
    holders = recorded.aliased.get((version.name, alias), ())
    keys = [holder.key for holder in holders]
    if keys == [version.key]:
        return
    if len(keys) != 1:
        cause = (
            "several versions have the alias, which W&B does not allow"
            if keys
            else "the alias was removed, or never set"
        )
        findings.differ("alias", item, None, [version.key], keys or None, cause)
        return
    others = [name for name in holders[0].aliases if name.startswith("run-")]
    if others and all(is_of_older_flow_run(name, expected.alias) for name in others):
        cause = "the alias was moved to a version of an older flow run"
        findings.differ("alias", item, None, [version.key], keys, cause)
    elif not others:
        findings.leave_open(item, f"{keys[0]} has it, which names no flow run")


def _compare_link(
    path: str,
    version: RecordedArtifact,
    expected: ExpectedFlowRun,
    recorded: RecordedFlowRun,
    findings: Findings,
) -> None:
    findings.count("link")
    item = f"{version.name}:{expected.alias}, its link to {path}"
    holders = recorded.aliased.get((version.name, expected.alias), ())
    links = [links for holder in holders if holder.key == version.key for links in [holder.links]]
    if not links or links[0] is None:
        findings.leave_open(item, "W&B does not say where the version is linked to")
    elif not any(_leads_to(path, link) for link in links[0]):
        cause = "the link was removed or never made, or this key may not see that collection"
        findings.differ("link", item, None, path, sorted(links[0]) or None, cause)


def _leads_to(path: str, link: str) -> bool:
    """Return whether a link is the one that a rule names.

    The entity of a registry is not compared: W&B's own name for it is another one than people use.
    """
    project = link.partition("/")[2]  # and collection
    if project.startswith(_REGISTRY_PREFIX) or "/" not in path.partition("/")[2]:
        return f"/{path}".endswith(f"/{project}")
    return path == link
