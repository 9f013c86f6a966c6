"""Metaflow's client, set up for reading and put back as it was."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mfwb.config import Settings
from mfwb.errors import Unreachable, UsageError
from mfwb.files.tempdirs import new_scratch
from mfwb.settings_files import find_metaflow_file, refuse_unless_trusted, users_trust
from mfwb.settings_files.metaflow_config import sensitive_in_metaflow_file
from mfwb.source.datastore.roots import DatastoreRoots, configured_card_roots, configured_roots
from mfwb.source.service_key import keep_key_at_its_service, refuse_foreign_service

if TYPE_CHECKING:
    from mfwb.source.client import MetaflowSource

__all__ = ["current_provider", "metaflow_client", "open_source"]


@contextmanager
def open_source(settings: Settings) -> Iterator[MetaflowSource]:
    """Yield Metaflow as a source; provider and namespace are process-wide and restored after.

    Raises:
        UsageError: if Metaflow does not know such a provider, or the folder has no metadata; or
            if Metaflow's own settings file here says more than it may.
        Unreachable: if the metadata service does not answer, or the key is not for it.
    """
    _check_metaflow_file()
    _redirect_scratch_folders()
    _start_metaflow()
    from mfwb.source.client import MetaflowSource  # noqa: PLC0415 - imports metaflow
    from mfwb.source.local_provider import guard_local_provider  # noqa: PLC0415 - the same
    from mfwb.source.metadata_service import retrying_service  # noqa: PLC0415 - the same

    with (
        retrying_service(settings.timeout) as last_problem,
        _restore_client(),
        keep_key_at_its_service(),
    ):
        if "metadata" not in settings.explicit:
            refuse_foreign_service(settings.metadata)
        provider = _select_provider(settings.metadata, last_problem)
        metaflow_client().namespace(settings.namespace)
        roots = _find_roots(provider, settings.datastore_roots)
        guard_local_provider(roots.home, roots.folders)
        yield MetaflowSource(
            provider,
            roots,
            namespace=settings.namespace,
            abandoned_after=settings.abandoned_after,
        )


def current_provider() -> str:
    """Return the metadata provider of this process, as `Settings.metadata` takes it."""
    return str(metaflow_client().get_metadata())


def metaflow_client() -> ModuleType:
    """Return metaflow, imported on first use: it reads its environment then."""
    return importlib.import_module("metaflow")


def _check_metaflow_file() -> None:
    """Refuse the settings file that Metaflow is about to read here, if it could do harm.

    Where Metaflow was imported before, the program that did so decided to read it.
    """
    if "metaflow" in sys.modules:
        return
    with contextlib.suppress(FileNotFoundError):  # the current folder was removed
        if file := find_metaflow_file(Path.cwd()):
            sensitive = sensitive_in_metaflow_file(file.values)
            refuse_unless_trusted(file, sensitive, users_trust(), can_be_named=False)


def _start_metaflow() -> None:
    """Import Metaflow; UsageError, in its words, if its own settings keep it from starting.

    It stumbles over a profile that is missing, a file that is no JSON, a number that is none, a
    provider that nobody knows.
    """
    try:
        config = importlib.import_module("metaflow.metaflow_config")
    except ModuleNotFoundError:  # Metaflow is not there, or not all of it
        raise
    except Exception as error:
        raise UsageError(
            f"Metaflow can't start: {error}; look at METAFLOW_PROFILE, METAFLOW_HOME and the "
            "config.json that they lead to"
        ) from error
    try:
        metaflow_client().get_metadata()
    except ImportError as error:  # of a provider in the place of the one that it does not know
        raise UsageError(
            f"Metaflow can't start with the metadata provider {config.DEFAULT_METADATA!r} "
            f"(METAFLOW_DEFAULT_METADATA): {error}"
        ) from error


def _redirect_scratch_folders() -> None:
    """Move what reading leaves behind out of the user's folders, unless they chose a place.

    Reads from a cloud go through a folder in the current one by default, and the client's cache
    is never pruned across processes. Metaflow asks for these places once, when it is imported;
    so there has to be such a folder for as long as this process lives.
    """
    if "metaflow" in sys.modules:
        return
    scratch = str(new_scratch())
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    for name in ("ARTIFACT_LOCALROOT", "TEMPDIR", "CLIENT_CACHE_PATH"):
        os.environ.setdefault(f"METAFLOW_{name}", scratch)


@contextmanager
def _restore_client() -> Iterator[None]:
    """Put back provider and namespace of the process: a notebook may go on using them."""
    metaflow = metaflow_client()
    provider = metaflow.get_metadata()
    is_local = provider.startswith("local@")
    try:
        namespace = metaflow.get_namespace()
    except metaflow.exception.MetaflowException:  # a container without a user name
        namespace = None
    try:
        yield
    finally:
        metaflow.namespace(namespace)
        if is_local or metaflow.get_metadata() != provider:  # else a service would be asked
            with contextlib.suppress(ValueError):  # there may have been none: "<No .metaflow ...>"
                metaflow.metadata(provider)


def _check_service(said: str, kind: str, url: str) -> None:
    """Raise UsageError if a service has no URL, or one that is none."""
    if kind != "service":
        return
    if url in {"", "None"}:
        raise UsageError(
            "Missing Metaflow Service URL. Specify with METAFLOW_SERVICE_URL environment variable"
        )
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_url = False
    if not is_url:
        raise UsageError(f"{said}: {url!r} is no URL such as https://metaflow.example.com")


def _find_roots(provider: str, extra: tuple[str, ...]) -> DatastoreRoots:
    """Return the datastores that are the user's: those that Metaflow and mfwb are told of."""
    from metaflow import metaflow_config, metaflow_config_funcs  # noqa: PLC0415 - read late
    from metaflow.plugins.datastores.local_storage import LocalStorage  # noqa: PLC0415

    from mfwb.source.datastore.flow_store import local_card_root  # noqa: PLC0415 - it imports metaflow

    def find_local() -> str | None:
        root = LocalStorage.get_datastore_root_from_config(lambda _: None, create_on_absent=False)
        return None if root is None else str(root)

    local_config = metaflow_config_funcs.METAFLOW_LOCAL_CONFIG or {}
    sysroots = {
        kind: getattr(metaflow_config, f"DATASTORE_SYSROOT_{kind.upper()}", None)
        for kind in ("local", "s3", "gs", "azure")
    }
    cards = {kind: getattr(metaflow_config, f"CARD_{kind.upper()}ROOT", None) for kind in sysroots}
    cards["local"] = cards["local"] or local_card_root()
    is_local = provider.startswith("local@")
    home = Path(provider.removeprefix("local@")) / ".metaflow" if is_local else None
    return DatastoreRoots(
        home,
        configured_roots(sysroots, local_config, find_local),
        extra,
        configured_card_roots(cards, local_config, find_local),
    )


def _select_provider(metadata: str | None, last_problem: Callable[[], str | None]) -> str:
    """Choose the metadata provider and return its name, local folders made absolute.

    Args:
        metadata: as `--metadata` has it; None: Metaflow's own choice.
        last_problem: returns what was wrong with the last answer of a service, if anything was.
    """
    metaflow = metaflow_client()
    if metadata is not None:
        _check_service(f"--metadata {metadata}", *metadata.partition("@")[::2])
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints, then goes on with another
                chosen = metaflow.metadata(metadata)
        except ValueError as error:
            if "unreachable" in str(error):
                why = f": it {said}" if (said := last_problem()) else ""
                what = str(error).rstrip(".")
                raise Unreachable(f"--metadata {metadata}: {what}{why}") from None
            raise UsageError(f"--metadata {metadata}: {error}") from None
        if chosen.split("@")[0] not in metadata and "@" in metadata:
            raise UsageError(f"--metadata {metadata}: Metaflow knows no such metadata provider")
    kind, _, url = str(metaflow.get_metadata()).partition("@")
    _check_service("METAFLOW_SERVICE_URL", kind, url)
    if kind != "local":
        return f"{kind}@{url}"
    if url.startswith("<No "):
        raise UsageError(
            "there is no .metaflow folder here or above; run mfwb where the flows ran, or say "
            "--metadata local@DIR or service@URL"
        )
    return f"local@{Path(url).resolve()}"
