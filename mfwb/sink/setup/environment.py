"""W&B's environment variables for a call: those for a single run must not affect replayed runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mfwb.files.tempdirs import scratch
from mfwb.sink.setup.quiet_settings import REQUIRED_SETTINGS, replay_settings

__all__ = ["environment_variable", "replay_environment"]

_PER_RUN_VARIABLES = (
    "WANDB_NAME",
    "WANDB_NOTES",
    "WANDB_TAGS",
    "WANDB_RUN_GROUP",
    "WANDB_JOB_TYPE",
    "WANDB_RUN_ID",
    "WANDB_RESUME",
    "WANDB_SWEEP_ID",
    "WANDB_PROGRAM",
    "WANDB_HOST",
    "WANDB_FORK_FROM",
    "WANDB_RESUME_FROM",
    "WANDB_SWEEP_PARAM_PATH",
    "WANDB_LAUNCH_CONFIG_PATH",
    "WANDB_JOB_NAME",
    "WANDB_JOB_SOURCE",
    "WANDB_DOCKER",
    "WANDB_ARTIFACTS",
    "WANDB_CONFIG",
    "WANDB_DESCRIPTION",
    "WANDB_ARGS",
    "WANDB_MAGIC",
    "WANDB_GIT_COMMIT",
    "WANDB_GIT_REMOTE_URL",
    "WANDB_RUN_STORAGE_ID",
    "WANDB_RUN_DIR",
    "WANDB_START_TIME",
    "WANDB_STRICT",
    "WANDB_SYNC_TENSORBOARD",
    "WANDB_RUNQUEUE_ITEM_ID",
    "WANDB__RUNQUEUE_ITEM_ID",
    "WANDB__LABEL",
    "WANDB__FILES_DIR",
    "WANDB__FILE_STREAM_MAX_LINE_BYTES",
)
"""They describe the run of the current process, and would apply to every replayed run."""

_FOLDER_VARIABLES = ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR")

_IS_HIDDEN = "WANDB_USE_DOT_WANDB"
"""Whether W&B's folder is `.wandb`; if this is not set, W&B looks 28 times for each W&B run."""


@contextmanager
def replay_environment(retry_seconds: float) -> Iterator[Path]:
    """Yield a scratch folder for W&B's own files, with the environment set for many runs.

    Variables that describe one run are hidden, and so are those that would lose data. W&B makes
    a folder for each run that it writes or reads, by default in the current folder. It also
    stages files of tables, and caches uploads. All of that goes into the scratch folder, which is
    deleted with it; but WANDB_DIR is kept if it is set.

    Args:
        retry_seconds: the seconds for which this call retries.
    """
    per_run = {*_PER_RUN_VARIABLES, *map(environment_variable, REQUIRED_SETTINGS)}
    hidden = {name: os.environ.pop(name) for name in per_run if name in os.environ}
    with scratch() as folder:
        settings = replay_settings(retry_seconds)
        variables = {
            environment_variable(name): str(value).lower() for name, value in settings.items()
        }
        names = (*_FOLDER_VARIABLES, _IS_HIDDEN, *variables)
        before = {name: os.environ.get(name) for name in names}
        os.environ.setdefault("WANDB_DIR", str(folder))
        os.environ.update(WANDB_DATA_DIR=str(folder), WANDB_CACHE_DIR=str(folder), **variables)
        is_hidden = Path(os.environ["WANDB_DIR"], ".wandb").exists()
        os.environ.setdefault(_IS_HIDDEN, str(is_hidden).lower())
        try:
            yield Path(os.environ["WANDB_DIR"])
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value
            os.environ.update(hidden)


def environment_variable(setting: str) -> str:
    """Return the environment variable of a field of `wandb.Settings`: `x_a` is WANDB__A."""
    return f"WANDB_{setting.removeprefix('x').upper()}"
