"""The flow of a backfill, as Metaflow compiles it for Argo Workflows; nothing is deployed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.deployments import KEY, compiled
from tests.support.s3_server import S3Server

pytestmark = pytest.mark.cloud

_SYNCED = ("first", "shard", "last")


def test_argo_workflows(tmp_path: Path) -> None:
    """Shards are a foreach with retries, resources, and the key from a secret of the cluster."""
    with S3Server() as s3:
        template, uploads = compiled(
            tmp_path, s3, "kubernetes:secrets=wandb,image=mfwb", "argo-workflows"
        )
    templates = {item["name"]: item for item in template["spec"]["templates"]}

    assert "withParam" in str(templates["MfwbBackfillFlow"]) + str(templates["first-foreach-names"])
    for name in _SYNCED:
        container = templates[name]["container"]
        assert templates[name]["retryStrategy"]["limit"] == 2
        assert float(container["resources"]["requests"]["cpu"]) == 2
        assert container["resources"]["requests"]["memory"] == "4096.0M"
        assert {source["secretRef"]["name"] for source in container["envFrom"]} == {"wandb"}
    assert [name for name, content in uploads.items() if KEY.encode() in content] == []
