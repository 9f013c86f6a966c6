"""`make costs`: the requests and bytes of a sync, for the page of limits.

The demo, and a flow run of 300 tasks, are synced into the stand-in for W&B, which counts.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.docs.blocks import ROOT
from tests.docs.scene import run_wine_flow
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import Request, WandbServer

_PAGE = ROOT / "docs" / "limits.md"
_BEGIN, _END = "<!-- `make costs` writes this table -->\n", "<!-- end of the table -->"
_TABLE = re.compile(f"(?<={re.escape(_BEGIN)}).*(?={re.escape(_END)})", re.DOTALL)
_HEAD = (
    "| flow run | requests of a sync | GraphQL | file stream | uploads | MB sent "
    "| again, unchanged | `verify` |\n"
    "|---|---|---|---|---|---|---|---|\n"
)
_WIDTH = 298  # and a first, a joining and a last one
_ROWS = (
    ("the demo: 7 tasks, 5 W&B runs", "WineFlow", ()),
    ("the same, with `--overview`", "WineFlow", ("--overview",)),
    ("the same, with `--granularity task`", "WineFlow", ("--granularity", "task")),
    ("301 tasks, 4 W&B runs", "WideFlow", ()),
    ("the same, with `--granularity task`", "WideFlow", ("--granularity", "task")),
)


def main() -> int:
    """Write the table of the page."""
    with tempfile.TemporaryDirectory(prefix="mfwb-costs-") as folder:
        root = Path(folder)
        run_wine_flow(root)
        wide = Sandbox(root).flow(
            *("wide_flow", "run", "--width", str(_WIDTH)),
            *("--max-num-splits", "400", "--max-workers", "4"),
        )
        assert wide.code == 0, wide.err
        rows = [
            f"| {' | '.join([name, *_measured(root, flow, arguments)])} |\n"
            for name, flow, arguments in _ROWS
        ]
    text = _PAGE.read_text(encoding="utf-8")
    _PAGE.write_text(_TABLE.sub(lambda _: _HEAD + "".join(rows), text), encoding="utf-8")
    sys.stdout.write("".join(rows))
    return 0


def _measured(root: Path, flow: str, arguments: Sequence[str]) -> list[str]:
    with WandbServer() as server, tempfile.TemporaryDirectory() as state:
        own = {
            "WANDB_BASE_URL": server.base_url,
            "WANDB_API_KEY": server.api_key,
            "MFWB_STATE_DIR": state,
        }
        sandbox = Sandbox(root, own)
        requests: list[list[Request]] = []
        for command in ("sync", "sync", "verify"):
            before = len(server.requests)
            done = sandbox.mfwb(command, f"{flow}/latest", *arguments)
            assert done.code == 0, done.err
            requests.append(server.requests[before:])
    first, again, verified = requests
    kinds = Counter(request.kind for request in first)
    sent = sum(request.sent for request in first) / 1e6
    return [
        str(len(first)),
        str(kinds["graphql"]),
        str(kinds["file_stream"]),
        str(kinds["upload"]),
        f"{sent:.1f}",
        str(len(again)),
        str(len(verified)),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
