"""Settings of W&B's SDK: where runs go, and whose credentials it has."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import wandb
from pydantic import ValidationError
from wandb.errors import AuthenticationError, CommError
from wandb.errors import UsageError as WandbUsageError

from mfwb.deadlines import run_within
from mfwb.destination import WandbDefaults
from mfwb.errors import Unreachable, UsageError
from mfwb.ports import Progress
from mfwb.safe_text import first_line
from mfwb.settings_files.wandb_settings import wandb_files_of
from mfwb.sink.client.private import FAILURES, ServicePollForTokenError, is_unreadable_answer
from mfwb.sink.client.process_wide import new_api
from mfwb.sink.client.refusals import explain_error
from mfwb.sink.client.retry_budget import W_AND_B

__all__ = ["files_of_settings", "query_defaults", "query_entity"]

_NOT_JSON = "looking for beginning of value"
"""The text of wandb-core for an answer that is not JSON, such as a web page."""

_TIMED_OUT = "did not respond in time"  # the text of wandb-core after 19 seconds of retries


def query_defaults(seconds: float) -> WandbDefaults:
    """Return W&B's effective settings, from files and environment; this starts wandb-core.

    Args:
        seconds: the time limit.

    Raises:
        UsageError: W&B refuses its own settings.
        Unreachable: wandb-core does not start.
    """
    try:
        settings = run_within(seconds, lambda: wandb.setup().settings, "wandb-core")
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        variable = f"WANDB_{name.upper()}"
        raise UsageError(f"W&B's settings ({variable}, or its files): {first['msg']}") from None
    except WandbUsageError as error:  # also one of the errors below
        raise UsageError(f"W&B's settings (its variables or files): {first_line(error)}") from None
    except (*FAILURES, OSError, RuntimeError) as error:  # no memory, no process, no thread
        raise Unreachable(f"wandb-core can't start: {first_line(error)}") from error
    return WandbDefaults(
        mode=str(settings.mode),
        base_url=str(settings.base_url),
        entity=settings.entity,
        project=settings.project,
    )


def files_of_settings() -> list[Path]:
    """Return the files that W&B's settings come from, and those that choose these files."""
    files: list[Path] = []
    with suppress(FileNotFoundError):  # the current folder was removed
        files += wandb_files_of(Path.cwd())
    system = wandb.setup().settings.settings_system
    return [*files, Path(system)] if system else files


def query_entity(base_url: str, seconds: float, progress: Progress) -> str | None:
    """Return the entity of the credentials; Unreachable if they are not valid.

    Args:
        base_url: the URL of the server.
        seconds: the time limit; after a timeout the query is sent once more, if there is time.
        progress: is notified of each try.
    """

    def query_twice() -> str | None:
        progress.connecting(W_AND_B, 0)
        with suppress(_TimedOutError):
            return _entity(base_url)
        progress.connecting(W_AND_B, 1)
        return _entity(base_url)

    try:
        entity = run_within(seconds, query_twice, base_url)
    except _TimedOutError:
        raise Unreachable(f"{base_url} does not answer, or not in time") from None
    progress.connected(W_AND_B)
    return entity


class _TimedOutError(Exception):
    """wandb-core got no answer in time."""


def _entity(base_url: str) -> str | None:
    try:
        entity: str | None = new_api({"base_url": base_url}).default_entity
    except WandbUsageError:
        raise Unreachable(
            f"there are no W&B credentials for {base_url}; run `wandb login` or set WANDB_API_KEY"
        ) from None
    except AuthenticationError as error:
        if _TIMED_OUT in str(error):
            raise _TimedOutError from None
        if isinstance(error.__cause__, ServicePollForTokenError):
            raise Unreachable(f"wandb-core can't start: {first_line(error.__cause__)}") from None
        if _NOT_JSON in str(error):
            raise Unreachable(
                f"{base_url} does not answer as W&B does; is that W&B's address, and does a login "
                "page or a proxy lie before it?"
            ) from None
        raise Unreachable(f"W&B credentials: {first_line(error)}") from None
    except (CommError, ConnectionError, TimeoutError) as error:
        raise Unreachable(f"{base_url} can't be used: {explain_error(error)}") from None
    except Exception as error:
        if not is_unreadable_answer(error):
            raise
        raise Unreachable(f"{base_url} does not answer as W&B does ({error!r})") from None
    return entity
