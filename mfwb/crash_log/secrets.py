"""Secrets of this machine that may occur in messages: by their values, and by their form.

By value: those of variables, of netrc, and of the settings files of mfwb, W&B and Metaflow.
By form: users and queries in URLs, headers of HTTP, what is assigned to a name such as `api_key`.
"""

from __future__ import annotations

import json
import netrc
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from mfwb.config import latest_layers
from mfwb.errors import MfwbError
from mfwb.files.home_folder import expand_home
from mfwb.redaction import MASK, mask_text, mask_urls, may_hold_secret
from mfwb.settings_files.metaflow_config import find_metaflow_file
from mfwb.settings_files.wandb_settings import settings_in_wandb_files

__all__ = ["known_secrets", "redact", "redact_values"]

_SHORTEST_SECRET = 8  # shorter values could also occur in normal words


def redact(text: str) -> str:
    """Return the text without secrets of this machine, and without others that look like one."""
    return redact_values(text, known_secrets())


def redact_values(text: str, secrets: Iterable[str]) -> str:
    """Return the text without these secrets, and without others that look like one."""
    for secret in sorted({form for known in secrets for form in _forms(known)}, key=_longest_first):
        text = text.replace(secret, MASK)
    return mask_text(mask_urls(text))


def known_secrets() -> frozenset[str]:
    """Return the values on this machine that may be secrets; what can't be read is left out."""
    return frozenset(
        secret
        for source in (_of_environment, _of_netrc, _of_mfwb, _of_wandb, _of_metaflow)
        for secret in _readable(source())
        if len(secret) >= _SHORTEST_SECRET
    )


def _readable(values: Iterator[str]) -> Iterator[str]:
    with suppress(OSError, ValueError, MfwbError):
        yield from values


def _of_environment() -> Iterator[str]:
    for name, value in os.environ.items():
        if may_hold_secret(name):
            yield value
            with suppress(ValueError):  # METAFLOW_SERVICE_HEADERS is a JSON object
                yield from _texts(json.loads(value))
        yield from _password_in_url(value)


def _password_in_url(value: str) -> Iterator[str]:
    with suppress(ValueError):
        if "@" in value and (password := urlsplit(value).password):
            yield password


def _of_netrc() -> Iterator[str]:
    given = os.environ.get("NETRC")
    for path in [given] if given else ["~/.netrc", "~/_netrc"]:
        with suppress(OSError, netrc.NetrcParseError, UnicodeDecodeError, RuntimeError):
            for _, account, password in netrc.netrc(expand_home(path)).hosts.values():
                yield from (secret for secret in (account, password) if secret)


def _of_mfwb() -> Iterator[str]:
    for layer in latest_layers():
        yield from _named_secrets(layer.values)


def _of_wandb() -> Iterator[str]:
    yield from _named_secrets(settings_in_wandb_files(_current_folder(), os.environ))


def _of_metaflow() -> Iterator[str]:
    folder = _current_folder()
    file = find_metaflow_file(folder) if folder else None
    if file is not None:
        yield from _named_secrets(file.values)
    home = expand_home(os.environ.get("METAFLOW_HOME", "~/.metaflowconfig"))
    for path in home.glob("config*.json"):
        with suppress(OSError, ValueError):
            yield from _named_secrets(json.loads(path.read_text(encoding="utf-8")))


def _current_folder() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was removed
        return None


def _named_secrets(values: Any) -> Iterator[str]:
    """Yield the texts below names that may be those of secrets."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _texts(value) if may_hold_secret(str(name)) else _named_secrets(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)


def _forms(secret: str) -> Iterator[str]:
    """Yield the forms in which a message may have a secret: quoted, escaped, on one line."""
    yield secret
    yield " ".join(secret.split())
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield quote(secret, safe="", errors="replace")


def _longest_first(secret: str) -> tuple[int, str]:
    return -len(secret), secret
