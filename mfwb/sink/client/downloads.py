"""Downloads of files from the addresses that W&B gives for them."""

from __future__ import annotations

from typing import Any

import requests
import wandb

from mfwb.url_origins import origin_of

__all__ = ["download"]

_TIMEOUT = (10, 60)  # seconds to connect, and between two parts of the answer
_GONE = frozenset({404, 410})
_CHUNK_SIZE = 1024**2


def download(api: wandb.Api, base_url: str, url: str) -> bytes | None:
    """Return the bytes at an address; None if the answer is that there is no such file.

    Args:
        api: W&B's public Api, which has the key.
        base_url: W&B's server: it alone gets the key. Addresses of a bucket are signed.
        url: as W&B gave it.

    Raises:
        CommError: of wandb, for any other answer, and if there is none: it may be retried.
    """
    try:
        with requests.get(
            url, auth=_auth(api, base_url, url), timeout=_TIMEOUT, stream=True
        ) as got:
            if got.status_code in _GONE:
                return None
            if not got.ok:
                raise wandb.errors.CommError(f"the download returned error {got.status_code}")
            return b"".join(got.iter_content(_CHUNK_SIZE))
    except (requests.RequestException, OSError) as error:
        raise wandb.errors.CommError(f"the download failed: {type(error).__name__}") from error


def _auth(api: wandb.Api, base_url: str, url: str) -> Any:
    if origin_of(url) == origin_of(base_url) and api.api_key:
        return ("api", api.api_key)
    return _unchanged  # else requests would add what netrc has for that host


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
