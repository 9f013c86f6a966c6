"""What joining the parts imports."""

from __future__ import annotations

import subprocess
import sys


def test_lineage_does_without_wandb() -> None:
    """A flow run can be looked at where wandb is not even installed."""
    script = """
import sys
sys.modules["wandb"] = None
import mfwb.api, mfwb.cli.commands.lineage, mfwb.report
from mfwb.wiring import wire_source
from mfwb.config import Settings
print("wired")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.stdout == "wired\n", done.stderr
