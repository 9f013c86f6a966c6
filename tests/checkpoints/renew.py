"""Rewrites tests/data/checkpoint_flow_run.tar.xz; run by `make checkpoint-data`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.checkpoints.flow_run import ARCHIVE, run_flow
from tools.record_flow_runs import packed


def main() -> None:
    """Run the flow and keep what `make test` reads."""
    with tempfile.TemporaryDirectory(prefix="mfwb-") as name:
        root = Path(name) / "0.2"
        root.mkdir()
        run_flow(root, {})
        ARCHIVE.write_bytes(packed(Path(name)))


if __name__ == "__main__":
    main()
