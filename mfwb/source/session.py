"""Set up Metaflow's client for reading, and restore it afterwards."""

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
from mfwb.files.tempdirs import make_scratch
from mfwb.ports import NoProgress, Progress
from mfwb.settings_files import find_metaflow_file, load_trust, refuse_unless_trusted
from mfwb.settings_files.metaflow_config import sensitive_in_metaflow_file
from mfwb.source.datastore.roots import DatastoreRoots, configured_card_roots, configured_roots
from mfwb.source.service_key import refuse_foreign_service, restrict_key_to_service

if TYPE_CHECKING:
    from mfwb.source.client import MetaflowSource

__all__ = [
    "current_provider",
    "metaflow_client",
    "open_provider",
    "open_source",
    "own_datastore_roots",
]


@contextmanager
def open_source(settings: Settings, progress: Progress | None = None) -> Iterator[MetaflowSource]:
    """Yield Metaflow as a source. Provider and namespace are process-wide; both are restored.

    Args:
        settings: of this call.
        progress: is notified while a metadata service does not answer; None: nothing is.

    Raises:
        UsageError: if Metaflow has no such provider, or the folder has no metadata; or if
            Metaflow's own settings file here contains settings that it may not set.
        Unreachable: if the metadata service does not answer, or the key is for another service.
    """
    _check_metaflow_file()
    _redirect_scratch_folders()
    _start_metaflow()
    from mfwb.source.client import MetaflowSource  # noqa: PLC0415 - imports metaflow
    from mfwb.source.local_provider import guard_local_provider  # noqa: PLC0415 - the same
    from mfwb.source.metadata_service import retrying_service  # noqa: PLC0415 - the same

    with (
        retrying_service(settings.timeout, progress or NoProgress()) as last_problem,
        _restore_client(),
        restrict_key_to_service(),
    ):
        if "metadata" not in settings.explicit:
            refuse_foreign_service(settings.metadata)
        provider = _select_provider(settings.metadata, last_problem)
        metaflow_client().namespace(settings.namespace)
        roots = _find_roots(provider, settings.datastore_roots)
        guard_local_provider(roots.home, roots.folders)
        _OPEN.append((provider, roots))
        try:
            yield MetaflowSource(
                provider,
                roots,
                namespace=settings.namespace,
                abandoned_after=settings.abandoned_after,
            )
        finally:
            _OPEN.pop()


def current_provider() -> str:
    """Return the metadata provider of this process, as `Settings.metadata` takes it."""
    return str(metaflow_client().get_metadata())


def open_provider() -> str:
    """Return the provider of the open source; Metaflow itself names that of its configuration."""
    return _OPEN[-1][0]


def own_datastore_roots() -> DatastoreRoots:
    """Return the user's own datastores, from which the open source reads artifacts."""
    return _OPEN[-1][1]


_OPEN: list[tuple[str, DatastoreRoots]] = []
"""Provider and datastores of the sources that are open; the last one is that of the process."""


def metaflow_client() -> ModuleType:
    """Return metaflow, imported on first use. It reads its environment when it is imported."""
    return importlib.import_module("metaflow")


def _check_metaflow_file() -> None:
    """Refuse the settings file that Metaflow is about to read here, if it could do harm.

    If Metaflow is already imported, the program that imported it has decided to read the file.
    """
    if "metaflow" in sys.modules:
        return
    with contextlib.suppress(FileNotFoundError):  # the current folder was removed
        if file := find_metaflow_file(Path.cwd()):
            sensitive = sensitive_in_metaflow_file(file.values)
            refuse_unless_trusted(file, sensitive, load_trust(), can_be_named=False)


def _start_metaflow() -> None:
    """Import Metaflow; raise UsageError with its message if its settings prevent the import.

    It fails on a missing profile, a file that is not JSON, a setting that must be a number and is
    not one, and an unknown provider.
    """
    try:
        config = importlib.import_module("metaflow.metaflow_config")
    except ModuleNotFoundError:  # Metaflow is not installed, or not completely
        raise
    except Exception as error:
        raise UsageError(
            f"Metaflow can't start: {error}; look at METAFLOW_PROFILE, METAFLOW_HOME and the "
            "config.json that they lead to"
        ) from error
    try:
        metaflow_client().get_metadata()
    except ImportError as error:  # Metaflow has no such provider
        raise UsageError(
            f"Metaflow can't start with the metadata provider {config.DEFAULT_METADATA!r} "
            f"(METAFLOW_DEFAULT_METADATA): {error}"
        ) from error


def _redirect_scratch_folders() -> None:
    """Make Metaflow write its temporary files outside the user's folders, unless they are set.

    By default, reads from a cloud go through a folder in the current one, and the client's cache
    is never pruned across processes. Metaflow reads these paths once, when it is imported. So the
    folder has to exist as long as this process.
    """
    if "metaflow" in sys.modules:
        return
    scratch = str(make_scratch())
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    for name in ("ARTIFACT_LOCALROOT", "TEMPDIR", "CLIENT_CACHE_PATH"):
        os.environ.setdefault(f"METAFLOW_{name}", scratch)


@contextmanager
def _restore_client() -> Iterator[None]:
    """Restore provider and namespace of the process afterwards: a notebook may still use them."""
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
        # Selecting a service again would send it a request.
        if is_local or metaflow.get_metadata() != provider:
            with contextlib.suppress(ValueError):  # it may have had none: "<No .metaflow ...>"
                metaflow.metadata(provider)


def _check_service(option: str, kind: str, url: str) -> None:
    """Raise UsageError if a service has no URL or an invalid one."""
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
        raise UsageError(f"{option}: {url!r} is not a URL such as https://metaflow.example.com")


def _find_roots(provider: str, extra: tuple[str, ...]) -> DatastoreRoots:
    """Return the user's own datastores: those in the settings of Metaflow and of mfwb."""
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
        metadata: the value of `--metadata`; None: Metaflow's own choice.
        last_problem: returns the problem with the last answer of a service, or None.
    """
    metaflow = metaflow_client()
    if metadata is not None:
        _check_service(f"--metadata {metadata}", *metadata.partition("@")[::2])
        try:
            # For an unknown provider Metaflow prints a message and continues with another one.
            with contextlib.redirect_stdout(io.StringIO()):
                chosen = metaflow.metadata(metadata)
        except ValueError as error:
            if "unreachable" in str(error):
                details = f": it {problem}" if (problem := last_problem()) else ""
                message = str(error).rstrip(".")
                raise Unreachable(f"--metadata {metadata}: {message}{details}") from None
            raise UsageError(f"--metadata {metadata}: {error}") from None
        if chosen.split("@")[0] not in metadata and "@" in metadata:
            raise UsageError(f"--metadata {metadata}: Metaflow knows no such metadata provider")
    kind, _, url = str(metaflow.get_metadata()).partition("@")
    _check_service("METAFLOW_SERVICE_URL", kind, url)
    if kind != "local":
        return f"{kind}@{url}"
    if url.startswith("<No "):
        raise UsageError(
            "there is no .metaflow folder here or above; run mfwb where the flows ran, or use "
            "--metadata local@DIR or service@URL"
        )
    return f"local@{Path(url).resolve()}"
