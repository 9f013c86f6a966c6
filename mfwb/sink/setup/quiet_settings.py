"""Quiet settings: fields of `wandb.Settings` for replayed runs."""

from __future__ import annotations

from typing import Any

__all__ = ["COPIES", "REQUIRED_SETTINGS", "replay_settings"]

_QUIET: dict[str, Any] = {
    "silent": True,
    "console": "off",  # else mfwb's own output would be in every open run
    "symlink": False,  # to the latest run: there are many, in a folder that is deleted
    "disable_git": True,
    "disable_code": True,
    "x_disable_stats": True,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
    "x_server_side_derived_summary": True,  # else W&B overwrites duration and summary
}
COPIES = ("config.yaml", "wandb-metadata.json", "wandb-summary.json")
"""Files that are copies of what the run itself has; W&B's SDK uploads them, a request each."""

REQUIRED_SETTINGS: dict[str, Any] = {
    "ignore_globs": COPIES,  # no other file may be missing
    "launch": False,  # else config and artifacts come from a job
    "x_primary": True,  # else neither summary nor config nor state are written
    "x_update_finish_state": True,  # else the run never ends
    "x_skip_transaction_log": False,
    "heartbeat_seconds": 30,  # shows other machines that the run is being written
    "stop_on_fatal_error": False,
    "console_multipart": False,
}
"""Fields of `wandb.Settings` whose other values lose data, or change what is written."""

_PARTS = ("graphql", "file_stream", "file_transfer")  # of wandb-core, each with own retries


def replay_settings(seconds: float) -> dict[str, Any]:
    """Return the fields of `wandb.Settings` that every replayed run needs.

    `replay_environment` sets them as variables, if W&B has not read its settings yet: W&B
    validates all fields again for each field that differs in a single run.

    Args:
        seconds: how long the call retries; wandb-core retries as long.
    """
    tries = 5 + round(seconds / 10)
    timing = {"retry_max": tries, "retry_wait_min_seconds": 0.5, "retry_wait_max_seconds": 10.0}
    return {
        **_QUIET,
        **{f"x_{part}_{name}": value for part in _PARTS for name, value in timing.items()},
        "x_graphql_timeout_seconds": 20.0,
        "x_file_stream_timeout_seconds": 20.0,
        "init_timeout": seconds,
        "finish_timeout": seconds,
        "finish_timeout_raises": True,
    }
