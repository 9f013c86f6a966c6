"""How W&B behaves while runs are replayed."""

from __future__ import annotations

from typing import Any

__all__ = ["QUIET"]

QUIET: dict[str, Any] = {
    "init_timeout": 30.0,  # seconds; a deleted id is refused with 409, which W&B retries until then
    "silent": True,
    "console": "off",  # else our own output would land in every open run
    "disable_git": True,
    "disable_code": True,
    "x_disable_stats": True,
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
    "x_server_side_derived_summary": True,  # keeps W&B from overwriting duration and summary
}
"""What every replayed run needs. `our_environment` says it by variables, if W&B still listens."""
