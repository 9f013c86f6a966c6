"""Credentials: W&B's key is sent only to the server that it is for."""

from __future__ import annotations

import netrc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from mfwb.config import Settings
from mfwb.errors import Unreachable
from mfwb.files.home_folder import expand_home
from mfwb.ports import NoProgress, Progress
from mfwb.settings_files import find_wandb_file, load_trust, refuse_unless_trusted
from mfwb.settings_files.wandb_settings import (
    SERVERS_OF_WANDB,
    sensitive_in_wandb_file,
    servers_of_key,
    settings_in_wandb_files,
)
from mfwb.url_origins import origin_of

__all__ = ["check_wandb_file", "entity_query", "find_key_source", "restrict_api_key"]

_KEY = "WANDB_API_KEY"
_KEYS = (_KEY, "WANDB_IDENTITY_TOKEN_FILE")
"""Variables that wandb (0.31.0) sends to any configured server."""


def check_wandb_file() -> None:
    """Refuse a settings file of W&B in the current folder that could do harm.

    Raises:
        UsageError: it sets more than names of an entity or a project, and is not trusted.
    """
    with suppress(FileNotFoundError):  # the current folder was removed
        if file := find_wandb_file(Path.cwd()):
            sensitive = sensitive_in_wandb_file(file.values)
            refuse_unless_trusted(file, sensitive, load_trust(), can_be_named=False)


@contextmanager
def restrict_api_key(settings: Settings) -> Iterator[str | None]:
    """Keep W&B's key from a server in a settings file; enter before wandb reads its variables.

    The key in the variables is for the server in W&B's own settings. If a settings file of mfwb
    names another server, only a key for that server counts: in the same file, or in netrc.

    Yields:
        The reason why there is no key for that server; None if there may be one.
    """
    server = settings.wandb.get("base_url")
    own = settings.wandb.get("api_key")
    changes: dict[str, str | None] = {}
    reason = None
    if own is not None:
        changes = {**dict.fromkeys(_KEYS), _KEY: str(own)}
    elif server is not None and "settings" not in settings.explicit:
        key_servers = _servers_of_key()
        if origin_of(str(server)) not in {
            origin_of(server_of_key) for server_of_key in key_servers
        }:
            changes = dict.fromkeys(_KEYS)
            reason = _explain_missing_key(str(server), sorted(key_servers))
    before = {name: os.environ.get(name) for name in changes}
    _set_variables(changes)
    try:
        yield reason
    finally:
        _set_variables(before)


def entity_query(
    settings: Settings, no_key_reason: str | None, progress: Progress | None = None
) -> Callable[[str], str | None]:
    """Return a function that queries a server for the credentials' entity, or raises Unreachable.

    Args:
        settings: of this call.
        no_key_reason: why there is no key for that server; None if there may be one.
        progress: is notified of each try; None: nothing is.
    """

    def query(base_url: str) -> str | None:
        if no_key_reason is not None:
            raise Unreachable(no_key_reason)
        from mfwb.sink.setup.sdk_settings import query_entity  # noqa: PLC0415 - it brings wandb

        return query_entity(base_url, settings.timeout, progress or NoProgress())

    return query


def find_key_source(
    settings: Settings, base_url: str, environ: Mapping[str, str] = os.environ
) -> str | None:
    """Return where W&B's key for a server comes from, never the key; None if there is none.

    Args:
        settings: of this call.
        base_url: the server.
        environ: the variables, as they are outside of a call.
    """
    if settings.wandb.get("api_key") is not None:
        return f"api_key of [settings] in {settings.origin_of('settings', 'api_key')}"
    if variable := next((name for name in _KEYS if environ.get(name)), None):
        return f"the variable {variable}"
    if _netrc_names(base_url) & _netrc_machines():
        return f"netrc ({_netrc_path()})"
    with suppress(FileNotFoundError):  # the current folder was removed
        if "api_key" in settings_in_wandb_files(Path.cwd(), environ):
            return "W&B's own settings file"
    return None


def _netrc_path() -> Path:
    paths = [expand_home(path) for path in _netrc_paths()]
    return next((path for path in paths if path.exists()), paths[0])


def _netrc_paths() -> list[str]:
    given_path = os.environ.get("NETRC")
    return [given_path] if given_path else ["~/.netrc", "~/_netrc"]


def _servers_of_key() -> frozenset[str]:
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the folder was removed
        here = Path("/")
    return servers_of_key(here)


def _explain_missing_key(server: str, key_servers: list[str]) -> str | None:
    """Return why there is no key for a server; None if netrc has one for it."""
    if _netrc_names(server) & _netrc_machines():
        return None
    variable = next((name for name in _KEYS if os.environ.get(name)), None)
    login = f"run `wandb login --host {server}`"
    if variable is None:
        return f"there are no W&B credentials for {server}, which [settings] names; {login}"
    return (
        f"the key in {variable} is for {' or '.join(key_servers)}, but [settings] names "
        f"{server}: set WANDB_BASE_URL={server} if it is for that one, else {login}"
    )


def _netrc_machines() -> frozenset[str]:
    """Return the servers with a key in netrc; its `default` counts for none of them."""
    for path in _netrc_paths():
        with suppress(OSError, netrc.NetrcParseError, UnicodeDecodeError):
            return frozenset(netrc.netrc(expand_home(path)).hosts) - {"default"}
    return frozenset()


def _netrc_names(url: str) -> frozenset[str]:
    """Return the possible names of a server in netrc: W&B's own server has two."""
    if url.rstrip("/") in SERVERS_OF_WANDB:
        return frozenset(urlsplit(server).netloc for server in SERVERS_OF_WANDB)
    with suppress(ValueError):  # `http://[`, which wandb refuses later
        return frozenset({urlsplit(url).netloc})
    return frozenset()


def _set_variables(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
