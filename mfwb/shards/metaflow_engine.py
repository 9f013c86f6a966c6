"""`mfwb backfill --on metaflow`: runs `MfwbBackfillFlow` here, or says how it is run elsewhere."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mfwb.errors import MfwbError
from mfwb.ledger import ledger_path, merge_ledgers
from mfwb.outcome import Result
from mfwb.shards.tasks import OUTPUT, Output

__all__ = ["FLOW_FILE", "command_lines", "flow_arguments", "run_flow"]

FLOW_FILE = Path(__file__).parents[1] / "flows" / "backfill_flow.py"

_EVERYWHERE = (
    ("on this machine", "run {arguments}"),
    ("on Kubernetes", "run --with kubernetes:secrets=SECRET,image=IMAGE {arguments}"),
    ("on AWS Batch", "run --with batch:image=IMAGE {arguments}"),
    ("on Argo Workflows", "--with kubernetes:secrets=SECRET,image=IMAGE argo-workflows create"),
    ("then", "argo-workflows trigger {arguments}"),
    ("on Step Functions", "--with batch:image=IMAGE step-functions create"),
    ("then", "step-functions trigger {arguments}"),
)


def flow_arguments(options: Mapping[str, Any], *, shards: int, config: Path | None) -> list[str]:
    """Return the arguments of the flow's parameters.

    Args:
        options: those of `mfwb backfill` that select flow runs, and settings; None: not given.
        shards: how many.
        config: a settings file.
    """
    given = {name: value for name, value in options.items() if value not in (None, (), [])}
    if given.get("every") is False:
        del given["every"]
    arguments = ["--shards", str(shards), "--options", json.dumps(given, default=str)]
    return [*arguments, "--settings-file", str(config)] if config else arguments


def command_lines(arguments: list[str]) -> str:
    """Return how the flow is run, in one line for each kind of compute."""
    program = f"{shlex.quote(sys.executable)} -m mfwb.flows.backfill_flow"
    given = shlex.join(arguments)
    return "".join(
        f"# {where}\n{program} {line.format(arguments=given)}\n" for where, line in _EVERYWHERE
    )


def run_flow(arguments: list[str], *, processes: int) -> Result:
    """Run the flow on this machine, merge its ledger into the user's, and return the result.

    Args:
        arguments: as of `flow_arguments`.
        processes: how many tasks run at once.

    Raises:
        MfwbError: the flow did not come to its end.
    """
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(  # noqa: S603 - our own flow
            [
                *(sys.executable, str(FLOW_FILE), "run"),
                *("--max-workers", str(processes)),
                *arguments,
            ],
            env={**os.environ, OUTPUT: folder},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),  # talk; stdout is for the result
        )
        try:
            code = process.wait()
        except BaseException:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            raise
        output = Output.read(Path(folder))
        if output is None:
            raise MfwbError(
                f"the flow ended with exit code {code}; carry on with `{sys.executable} -m "
                "mfwb.flows.backfill_flow resume`"
            )
        merge_ledgers(ledger_path(None), [output.ledger])
        return output.result
