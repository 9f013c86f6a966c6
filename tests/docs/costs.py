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
_TABLE = re.compile(f"(?<={re.escape(_BEGIN)}).*?(?={re.escape(_END)})", re.DOTALL)
_HEAD = (
    "| flow run | requests of a sync | GraphQL | file stream | uploads | MB sent "
    "| again, unchanged | `verify` |\n"
    "|---|---|---|---|---|---|---|---|\n"
)
_EACH_BEGIN = "<!-- `make costs` writes this table of differences -->\n"
_EACH_TABLE = re.compile(f"(?<={re.escape(_EACH_BEGIN)}).*?(?={re.escape(_END)})", re.DOTALL)
_EACH_HEAD = "| one more | requests | KB sent |\n|---|---|---|\n"
_FLOW = """
from metaflow import FlowSpec, step

class {name}(FlowSpec):
    @step
    def start(self):
{assignments}
        self.next(self.{first})
{steps}
    @step
    def end(self):
        pass

if __name__ == "__main__":
    {name}()
"""
_STEP = """
    @step
    def s{number}(self):
        self.next(self.{after})
"""
_MORE = 4
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
        each = _differences(root)
        rows = [
            f"| {' | '.join([name, *_measured(root, flow, arguments)])} |\n"
            for name, flow, arguments in _ROWS
        ]
    text = _PAGE.read_text(encoding="utf-8")
    text = _TABLE.sub(lambda _: _HEAD + "".join(rows), text)
    text = _EACH_TABLE.sub(lambda _: _EACH_HEAD + "".join(each), text)
    _PAGE.write_text(text, encoding="utf-8")
    sys.stdout.writelines([*rows, *each])
    return 0


def _measured(root: Path, flow: str, arguments: Sequence[str]) -> list[str]:
    first, again, verified = _requests(root, flow, arguments, ("sync", "sync", "verify"))
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


def _differences(root: Path) -> list[str]:
    """Return rows: what one more of something costs, by flow runs that differ in nothing else."""
    few = _cost(root, "Few", steps=1, artifacts=2)
    rows = []
    for name, steps, artifacts in (
        ("step, and so a W&B run, without artifacts", 1 + _MORE, 2),
        ("artifact of one file of 1 KB", 1, 2 + _MORE),
    ):
        more = _cost(root, f"More{steps}x{artifacts}", steps=steps, artifacts=artifacts)
        requests, size = ((many - one) / _MORE for many, one in zip(more, few, strict=True))
        rows.append(f"| {name} | {requests:.1f} | {size / 1000:.1f} |\n")
    return rows


def _cost(root: Path, name: str, *, steps: int, artifacts: int) -> tuple[int, int]:
    """Return the requests and the bytes of a sync of a flow with so many steps between its ends."""
    names = [f"s{number}" for number in range(steps)]
    text = _FLOW.format(
        name=name,
        first=names[0],
        assignments="\n".join(
            f"        self.a{number} = bytes([{number}]) * 1000" for number in range(artifacts)
        ),
        steps="".join(
            _STEP.format(number=number, after=after)
            for number, after in enumerate([*names[1:], "end"])
        ),
    )
    script = root / f"{name.lower()}.py"
    script.write_text(text, encoding="utf-8")
    done = Sandbox(root).script(script, "--quiet", "run")
    assert done.code == 0, done.err
    [requests] = _requests(root, name, (), ("sync",))
    return len(requests), sum(request.sent for request in requests)


def _requests(
    root: Path, flow: str, arguments: Sequence[str], commands: Sequence[str]
) -> list[list[Request]]:
    """Return the requests of commands, one after the other, on a server that knows nothing."""
    with WandbServer() as server, tempfile.TemporaryDirectory() as state:
        own = {
            "WANDB_BASE_URL": server.base_url,
            "WANDB_API_KEY": server.api_key,
            "MFWB_STATE_DIR": state,
        }
        sandbox = Sandbox(root, own)
        requests: list[list[Request]] = []
        for command in commands:
            before = len(server.requests)
            done = sandbox.mfwb(command, f"{flow}/latest", *arguments)
            assert done.code == 0, done.err
            requests.append(server.requests[before:])
    return requests


if __name__ == "__main__":
    raise SystemExit(main())
