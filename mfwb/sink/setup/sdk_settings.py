"""Settings of W&B's SDK: where runs go, and whose credentials it has."""

from __future__ import annotations

import netrc
from contextlib import suppress
from pathlib import Path

import wandb
from pydantic import ValidationError
from wandb.errors import AuthenticationError
from wandb.errors import UsageError as WandbUsageError

from mfwb.deadlines import STARTING, TookTooLongError, run_within
from mfwb.destination import WandbDefaults
from mfwb.errors import MfwbError, Unreachable, UsageError
from mfwb.ports import Progress
from mfwb.redaction import mask_url_users
from mfwb.safe_text import first_line
from mfwb.settings_files.wandb_settings import wandb_files_of
from mfwb.sink.client.private import FAILURES, ServicePollForTokenError, is_unreadable_answer
from mfwb.sink.client.process_wide import new_api
from mfwb.sink.client.refusals import explain_error
from mfwb.sink.client.retry_budget import W_AND_B
from mfwb.sink.setup.reachability import explain_silence

__all__ = ["files_of_settings", "query_defaults", "query_entity"]

_MALFORMED = (ValueError, TypeError, AttributeError, netrc.NetrcParseError)
"""What Python raises for values in variables and files that wandb does not check."""

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
        settings = run_within(max(seconds, STARTING), lambda: wandb.setup().settings, "wandb-core")
    except ValidationError as error:
        raise UsageError(_describe_invalid(error)) from None
    except WandbUsageError as error:  # also one of the errors below
        raise UsageError(f"W&B's settings (its variables or files): {first_line(error)}") from None
    except MfwbError:
        raise
    except (*FAILURES, OSError, RuntimeError) as error:  # no memory, no process, no thread
        raise Unreachable(f"wandb-core can't start: {first_line(error)}") from error
    except (*_MALFORMED, LookupError) as error:  # such as a WANDB_SERVICE of another form
        raise UsageError(
            f"W&B can't start with its variables and files: {first_line(error)}"
        ) from error
    return WandbDefaults(
        mode=str(settings.mode),
        base_url=str(settings.base_url),
        entity=settings.entity,
        project=settings.project,
    )


def _describe_invalid(error: ValidationError) -> str:
    """Return a line on the first of W&B's settings that it refuses, with its value."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    problem = str(first["msg"]).removeprefix("Value error, ")
    if name == "base_url" and isinstance(first["input"], str):
        url = mask_url_users(first["input"])
        problem = f"{url!r} is not a URL such as https://wandb.example.com ({problem})"
    return f"W&B's settings (WANDB_{name.upper()}, or its files): {problem}"


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

    shown = mask_url_users(base_url)
    try:
        entity = run_within(seconds, query_twice, shown)
    except _TimedOutError:
        problem = f"{shown} does not answer, or not in time"
        raise Unreachable(f"{problem}{explain_silence(base_url)}") from None
    except TookTooLongError as error:
        raise Unreachable(f"{error}{explain_silence(base_url)}") from None
    progress.connected(W_AND_B)
    return entity


class _TimedOutError(Exception):
    """wandb-core got no answer in time."""


def _entity(base_url: str) -> str | None:
    shown = mask_url_users(base_url)
    try:
        entity: str | None = new_api({"base_url": base_url}).default_entity
    except WandbUsageError:
        raise Unreachable(
            f"there are no W&B credentials for {shown}; run `wandb login` or set WANDB_API_KEY"
        ) from None
    except AuthenticationError as error:
        if _TIMED_OUT in str(error):
            raise _TimedOutError from None
        if isinstance(error.__cause__, ServicePollForTokenError):
            raise Unreachable(f"wandb-core can't start: {first_line(error.__cause__)}") from None
        if _NOT_JSON in str(error):
            raise Unreachable(
                f"{shown} does not answer as W&B does; is that W&B's address, and does a login "
                "page or a proxy lie before it?"
            ) from None
        raise Unreachable(f"W&B credentials: {explain_error(error)}") from None
    except FAILURES as error:  # also of wandb-core itself, which reads files with credentials
        raise Unreachable(f"{shown} can't be used: {explain_error(error)}") from None
    except Exception as error:
        if is_unreadable_answer(error):
            raise Unreachable(f"{shown} does not answer as W&B does ({error!r})") from None
        if isinstance(error, _MALFORMED):  # a netrc that is not text, for example
            problem = f"W&B credentials can't be read: {first_line(error)}"
            raise Unreachable(f"{problem}; look at WANDB_API_KEY and at netrc") from None
        raise
    return entity
