"""Links to the consoles of the systems that ran a task."""

from __future__ import annotations

import pytest

from mfwb.planning.console_links import Consoles, build_links
from mfwb.snapshot import Task
from tests.support.flow_runs import task

CONSOLES = Consoles("https://ui.example.com/mf", "https://argo.example.com")
BATCH = {"aws-batch-job-id": "0c-1:2", "ec2-region": "eu-west-1"}


def ran(place: str = "work/2", **metadata: str) -> Task:
    """Return a task with metadata."""
    return task(place, metadata={name.replace("_", "-"): value for name, value in metadata.items()})


def test_metaflow_ui() -> None:
    """The W&B run of a task links to the task, that of several tasks to the step."""
    tasks = [ran("work/2"), ran("work/3")]

    assert build_links(CONSOLES, tasks[:1], merged=False) == {
        "metaflow_ui": ["https://ui.example.com/mf/DemoFlow/7/work/2"]
    }
    assert build_links(CONSOLES, tasks, merged=True) == {
        "metaflow_ui": ["https://ui.example.com/mf/DemoFlow/7/work"]
    }


def test_argo_workflows() -> None:
    """All tasks of a workflow have the same link, which is there once."""
    argo = {"argo_workflow_name": "wf-1", "argo_workflow_namespace": "prod"}
    links = build_links(CONSOLES, [ran("work/2", **argo), ran("work/3", **argo)], merged=True)

    assert links["argo_workflows"] == ["https://argo.example.com/workflows/prod/wf-1"]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "console.aws.amazon.com"),
        ("cn-north-1", "console.amazonaws.cn"),
        ("us-gov-east-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_aws_batch(region: str, host: str) -> None:
    """Each job has a page, in the console of its region."""
    batch = {**BATCH, "ec2-region": region}

    assert build_links(Consoles(), [ran(**batch)], merged=False) == {
        "aws_batch": [f"https://{host}/batch/home?region={region}#jobs/detail/0c-1%3A2"]
    }


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"aws-batch-job-id": "j"},  # its region is not known
        {**BATCH, "ec2-region": "evil.example.com/?x=eu-west-1"},
        {**BATCH, "ec2-region": "None"},
        {"argo-workflow-name": "wf"},  # its namespace is not known
        {"argo-workflow-name": "..", "argo-workflow-namespace": "prod"},
        {
            "kubernetes-pod-name": "p",
            "airflow-dag-run-id": "a",
            "aws-step-functions-execution": "e",
        },
    ],
)
def test_no_link_is_guessed(metadata: dict[str, str]) -> None:
    """Without an address, or with a part that is none, there is no link."""
    consoles = Consoles(argo_workflows="https://argo.example.com")

    assert build_links(consoles, [ran(**metadata)], merged=False) == {}


def test_ids_of_strangers_stay_parts_of_the_path() -> None:
    """No id changes the host, ends the link of Markdown, or leads to another page."""
    links = build_links(
        CONSOLES,
        [ran(**{"argo-workflow-name": "a/../b)](http://evil)", "argo-workflow-namespace": "é@x"})],
        merged=False,
    )

    [url] = links["argo_workflows"]
    assert url.startswith(
        "https://argo.example.com/workflows/%C3%A9%40x/a%2F..%2Fb%29%5D%28http%3A"
    )
