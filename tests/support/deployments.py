"""What Metaflow compiles of the flow of a backfill, for a scheduler; nothing is deployed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import mfwb
from tests.support.s3_server import S3Server
from tests.support.sandbox import Sandbox

__all__ = ["FLOW_FILE", "KEY", "compiled"]

FLOW_FILE = Path(mfwb.__file__).parent / "flows" / "backfill_flow.py"
KEY = "0123456789abcdef0123456789abcdef01234567"
_ROLE = "arn:aws:iam::1:role/metaflow"


def compiled(
    root: Path, s3: S3Server, compute: str, scheduler: str, **environment: str
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the document for a scheduler, and all that was uploaded for it, by name.

    W&B's key is in the environment of whoever compiles it.
    """
    variables = {
        **s3.env,
        **environment,
        "WANDB_API_KEY": KEY,
        "METAFLOW_BATCH_JOB_QUEUE": "queue",
        "METAFLOW_SFN_IAM_ROLE": _ROLE,
        "METAFLOW_ECS_S3_ACCESS_IAM_ROLE": _ROLE,
        "METAFLOW_SFN_DYNAMO_DB_TABLE": "table",
    }
    where = ("--metadata", "local", "--datastore", "s3", "--with", compute)
    done = Sandbox(root, variables).run(
        *(sys.executable, str(FLOW_FILE), *where, scheduler, "create", "--only-json")
    )
    assert done.code == 0, done.err[-3000:]
    document: dict[str, Any] = json.loads(done.out)
    assert KEY not in done.out + done.err
    return document, {name: s3.get(name).body for name in s3.keys()}  # noqa: SIM118 - a method
