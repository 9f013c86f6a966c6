"""Protection of the key of Metaflow's metadata service: it is sent only to its own service.

Metaflow 2.19 sends METAFLOW_SERVICE_AUTH_KEY and METAFLOW_SERVICE_HEADERS to any selected service,
and `requests` sends them again to the host to which an answer redirects: it drops only the header
`Authorization`. This module changes private attributes; the contract test is in
tests/integration/source.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mfwb.errors import Unreachable
from mfwb.url_origins import origin_of

__all__ = ["refuse_foreign_service", "restrict_key_to_service"]

_SERVICE = "service@"


def refuse_foreign_service(provider: str | None) -> None:
    """Raise Unreachable if Metaflow's key is for another service than the one in a settings file.

    Args:
        provider: the value in the file; None: the file has none.
    """
    from metaflow import metaflow_config  # noqa: PLC0415 - it reads variables

    if provider is None or not provider.startswith(_SERVICE) or not metaflow_config.SERVICE_HEADERS:
        return
    service, configured = provider.removeprefix(_SERVICE), metaflow_config.SERVICE_URL
    if configured and origin_of(service) == origin_of(configured):
        return
    key_service = configured or "no service that METAFLOW_SERVICE_URL names"
    raise Unreachable(
        f"Metaflow's service key is for {key_service}, but the settings name {service}: use "
        f"--metadata {provider} or METAFLOW_SERVICE_URL={service} if the key is for that one"
    )


@contextmanager
def restrict_key_to_service() -> Iterator[None]:
    """Remove Metaflow's headers from a request that is redirected to another host."""
    from metaflow import metaflow_config  # noqa: PLC0415 - as above
    from metaflow.plugins.metadata_providers.service import (  # noqa: PLC0415 - the same
        ServiceMetadataProvider,
    )

    session = ServiceMetadataProvider._session  # noqa: SLF001 - there is no public way to it
    rebuild_auth = session.rebuild_auth

    def rebuild_without_key(request: Any, response: Any) -> None:
        rebuild_auth(request, response)
        if session.should_strip_auth(response.request.url, request.url):
            for name in metaflow_config.SERVICE_HEADERS:
                request.headers.pop(name, None)

    session.rebuild_auth = rebuild_without_key
    try:
        yield
    finally:
        session.rebuild_auth = rebuild_auth
