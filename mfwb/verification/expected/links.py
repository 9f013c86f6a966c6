"""Which links to consoles a W&B run should have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

from metaflow import metaflow_config

from mfwb.snapshot.pathspec import parts_of
from mfwb.verification.expected.facts import TaskFacts
from mfwb.verification.expected.model import ExpectedValue

__all__ = ["expect_links"]

_PLAIN_ADDRESS = re.compile(r"https?://[\w.\-]+(:\d+)?(/[\w.\-]+)*/?")
_REGION = re.compile(r"(?!cn-|us-gov-)[a-z]{2}-[a-z]+-\d")


def expect_links(tasks: Sequence[TaskFacts], *, merged: bool) -> dict[str, ExpectedValue]:
    """Return `links` as config["metaflow"] should have it, if these tasks have any."""
    parts = parts_of(tasks[0].path)
    urls = {
        "metaflow_ui": [_below("UI_URL", *(parts[:-1] if merged else parts))],
        "argo_workflows": [_argo(task) for task in tasks],
        "aws_batch": [_batch(task) for task in tasks],
    }
    distinct = {name: sorted({url for url in group if url}) for name, group in urls.items()}
    own = {
        name: group[0] if len(group) == 1 else group for name, group in distinct.items() if group
    }
    if not own:
        return {}
    if any(isinstance(group, list) for group in own.values()):  # in the order of the tasks
        return {"links": ExpectedValue((), reason="tasks have links of their own")}
    return {"links": ExpectedValue((own,))}


def _argo(task: TaskFacts) -> str:
    namespace = task.metadata.get("argo-workflow-namespace")
    name = task.metadata.get("argo-workflow-name")
    if not namespace or not name:
        return ""
    return _below("ARGO_WORKFLOWS_UI_URL", "workflows", namespace, name)


def _batch(task: TaskFacts) -> str:
    job, region = task.metadata.get("aws-batch-job-id"), task.metadata.get("ec2-region")
    if not job or not region or not _REGION.fullmatch(region):
        return ""
    page = "https://console.aws.amazon.com/batch/home"
    return f"{page}?region={region}#jobs/detail/{quote(job, safe='')}"


def _below(setting: str, *parts: str) -> str:
    address = getattr(metaflow_config, setting, None)
    if not isinstance(address, str) or not _PLAIN_ADDRESS.fullmatch(address):
        return ""
    return "/".join([address.rstrip("/"), *(quote(part, safe="") for part in parts)])
