"""Links to the consoles of the systems that ran a task. Pure; only addresses that are known.

A link is made of ids that Metaflow recorded and of an address: of the user's own configuration of
Metaflow, or of AWS's console, whose host is the same for everybody. Where a part is missing, there
is no link: Metaflow records no address of Kubernetes' or Airflow's console, and of a Step Functions
state machine only its name, without the account.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from mfwb.snapshot import Task
from mfwb.snapshot.pathspec import TaskPath

__all__ = ["LINK_TITLES", "Consoles", "build_links"]

LINK_TITLES = {
    "metaflow_ui": "Metaflow UI",
    "argo_workflows": "Argo Workflows",
    "aws_batch": "AWS Batch",
}
"""The keys of links, and how the notes of a W&B run call them."""

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
_CONSOLES_OF_AWS = {"cn-": "amazonaws.cn", "us-gov-": "amazonaws-us-gov.com", "": "aws.amazon.com"}
"""Hosts of AWS's console by the beginning of the region; the first that fits counts."""


@dataclass(frozen=True, slots=True)
class Consoles:
    """Addresses of consoles in Metaflow's configuration; empty if it names none.

    Attributes:
        metaflow_ui: of Metaflow's UI.
        argo_workflows: of the UI of Argo Workflows.
    """

    metaflow_ui: str = ""
    argo_workflows: str = ""


def build_links(consoles: Consoles, tasks: Sequence[Task], *, merged: bool) -> dict[str, list[str]]:
    """Return the links of a W&B run by the name of the console, each link once.

    Args:
        consoles: the addresses that Metaflow's configuration has.
        tasks: the tasks of the W&B run.
        merged: whether the W&B run stands for the whole step.
    """
    links: dict[str, list[str]] = {
        "metaflow_ui": [_metaflow_ui(consoles, tasks[0], merged=merged)],
        "argo_workflows": [_argo_workflows(consoles, task) for task in tasks],
        "aws_batch": [_aws_batch(task) for task in tasks],
    }
    distinct = {name: list(dict.fromkeys(filter(None, urls))) for name, urls in links.items()}
    return {name: urls for name, urls in distinct.items() if urls}


def _metaflow_ui(consoles: Consoles, task: Task, *, merged: bool) -> str:
    path = TaskPath.of(task.pathspec)
    parts = [path.flow, path.run, path.step] + ([] if merged else [path.task])
    return _join(consoles.metaflow_ui, *parts)


def _argo_workflows(consoles: Consoles, task: Task) -> str:
    namespace = task.metadata.get("argo-workflow-namespace", "")
    name = task.metadata.get("argo-workflow-name", "")
    return _join(consoles.argo_workflows, "workflows", namespace, name)


def _aws_batch(task: Task) -> str:
    job = task.metadata.get("aws-batch-job-id", "")
    region = task.metadata.get("ec2-region", "")
    if not job or not _REGION.fullmatch(region):
        return ""
    host = next(host for start, host in _CONSOLES_OF_AWS.items() if region.startswith(start))
    return f"https://console.{host}/batch/home?region={region}#jobs/detail/{_quote(job)}"


def _join(address: str, *parts: str) -> str:
    """Return an address with a path; empty if the address or a part is not known."""
    if not address or not all(parts) or any(not part.strip(".") for part in parts):
        return ""
    return "/".join((address, *map(_quote, parts)))


def _quote(part: str) -> str:
    return quote(part, safe="", errors="replace")
