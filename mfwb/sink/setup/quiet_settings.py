"""How W&B behaves while runs are replayed."""

from __future__ import annotations

from typing import Any

__all__ = ["REQUIRED_SETTINGS", "replay_settings"]

_QUIET: dict[str, Any] = {
    "silent": True,
    "console": "off",  # else our own output would land in every open run
    "symlink": False,  # to the latest run: there are many, in a folder that goes
    "disable_git": True,
    "disable_code": True,
    "x_disable_stats": True,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
    "x_server_side_derived_summary": True,  # keeps W&B from overwriting duration and summary
}
REQUIRED_SETTINGS: dict[str, Any] = {
    "ignore_globs": (),  # else files that the summary shows stay away
    "launch": False,  # else config and artifacts are taken from a job
    "x_primary": True,  # else neither summary nor config nor state are written
    "x_update_finish_state": True,  # else it never ends
    "x_skip_transaction_log": False,
    "heartbeat_seconds": 30,  # by which other machines know that somebody writes
    "stop_on_fatal_error": False,
    "console_multipart": False,
}
"""Fields of `wandb.Settings` whose other values lose data, or make another thing of a run."""

_PARTS = ("graphql", "file_stream", "file_transfer")  # of wandb-core, which try again each


def replay_settings(seconds: float) -> dict[str, Any]:
    """Return fields of `wandb.Settings` that every replayed run needs.

    `replay_environment` says them by variables, if W&B still listens: for each field that a single
    run differs in, W&B checks all of them.

    Args:
        seconds: how long the call tries again; so long wandb-core does.
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
