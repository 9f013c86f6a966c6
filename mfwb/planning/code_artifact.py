"""The W&B artifact with the code of a flow run: the files of Metaflow's code package.

It is logged once for a flow run, by the W&B run of its first step. No step uses it: every step ran
the same code, and so an edge to each of them would say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mfwb.planning import names
from mfwb.planning.plan import Content, Form, OutputArtifact, PlannedFile
from mfwb.snapshot import FlowRun
from mfwb.snapshot.facts import CODE_PACKAGE

__all__ = ["CODE_TYPE", "plan_code"]

CODE_TYPE = "code"
"""The type in W&B."""

_SHA_LENGTH = 12  # digits


def plan_code(flow_run: FlowRun, others: Iterable[OutputArtifact]) -> OutputArtifact | None:
    """Return the artifact of type `code`; None if the flow run has no code package.

    Args:
        flow_run: the flow run.
        others: all other artifacts of the flow run.
    """
    packages = flow_run.code_packages
    if not packages:
        return None
    name, name_with_type = names.names_in_project(
        names.artifact_name(f"{flow_run.flow}-code"), CODE_TYPE
    )
    taken = {artifact.name for artifact in others}
    contents = [Content(package.task, CODE_PACKAGE, package.sha1, 0) for package in packages]
    facts: dict[str, Any] = {"flow_run": flow_run.pathspec, "artifact": CODE_PACKAGE}
    if len(contents) == 1:
        facts |= {"task": contents[0].task, "sha1": contents[0].sha1}
    else:
        facts["sha1"] = [content.sha1 for content in contents]
    return OutputArtifact(
        name=name_with_type if name in taken else name,
        type=CODE_TYPE,
        aliases=(),  # set later, as those of all artifacts
        metadata={"metaflow": facts},
        files=tuple(
            PlannedFile(content.sha1[:_SHA_LENGTH] if len(contents) > 1 else "", Form.CODE, content)
            for content in contents
        ),
    )
