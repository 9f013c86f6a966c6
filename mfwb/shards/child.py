"""The process of one shard: a program that `mfwb backfill` starts, and that ends with it.

It reads its job from standard input, and writes messages to standard output. When its input ends,
so has the backfill, by Ctrl-C or by a kill; then it ends as if it was killed, too, and has nothing
more to say. The next one carries on.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

from mfwb.crash_log import BugLogs
from mfwb.deadlines import has_unfinished
from mfwb.errors import BUG_EXIT_CODE, MfwbError
from mfwb.files.tempdirs import temporary_files_in_scratch
from mfwb.process_exit import exit_as_if_killed
from mfwb.shards.messages import Job, SentProgress, job_from_json
from mfwb.system_errors import describe_shortage

__all__ = ["main", "run_job"]

_OBJECTS_BETWEEN_COLLECTIONS = 50_000  # as for `mfwb sync`
_INTERRUPTED = 130
_STDIN = 0


def run_job(job: Job, progress: SentProgress) -> None:
    """Sync a shard, and send how that ended."""
    from mfwb.shards.sync_shard import sync_shard  # noqa: PLC0415 - it imports both SDKs

    try:
        settings = job.settings.make()
        with temporary_files_in_scratch():
            result = sync_shard(
                job.flow_runs, settings, progress, failed=job.failed, ledger=Path(job.ledger)
            )
        progress.send("end", list(result.notes))
    except MfwbError as error:
        progress.send("error", str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last handler of the process
        lacking = describe_shortage(error)
        code = BUG_EXIT_CODE if lacking is None else MfwbError.exit_code
        progress.send("error", lacking or BugLogs().reason(error), code)


def _end_with_input() -> None:
    """End this process when its input ends."""
    with suppress(OSError):  # unbuffered: at the exit, no thread may hold the lock of `sys.stdin`
        while os.read(_STDIN, 4096):
            pass
    exit_as_if_killed(_INTERRUPTED)


def main() -> None:
    """Read a job, sync its shard, and send messages."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What the SDKs print goes to stderr: stdout is for messages.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def send(line: str) -> None:
        channel.write(f"{line}\n")
        channel.flush()

    job = job_from_json(sys.stdin.readline())
    Thread(target=_end_with_input, name="mfwb-parent", daemon=True).start()
    run_job(job, SentProgress(send))
    if has_unfinished():
        os._exit(0)  # as `mfwb sync` ends: a thread is in the C++ code of an SDK


if __name__ == "__main__":
    main()
