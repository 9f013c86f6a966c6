"""Downloads of files from the addresses that W&B gives for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import requests
import wandb

from mfwb.url_origins import origin_of

__all__ = ["download", "download_to"]

_TIMEOUT = (10, 60)  # seconds to connect, and between two parts of the answer
_GONE = frozenset({404, 410})
_CHUNK_SIZE = 1024**2


def download(api: wandb.Api, base_url: str, url: str) -> bytes | None:
    """Return the bytes at an address; None if the answer is that there is no such file.

    Arguments and errors as of `download_to`.
    """
    chunks: list[bytes] = []
    return b"".join(chunks) if download_to(api, base_url, url, chunks.append) else None


def download_to(api: wandb.Api, base_url: str, url: str, write: Callable[[bytes], object]) -> bool:
    """Return whether there is a file at an address, after its bytes were written in chunks.

    Args:
        api: W&B's public Api, which has the key.
        base_url: W&B's server: it alone gets the key. Addresses of a bucket are signed.
        url: as W&B gave it.
        write: is called with each chunk, of at most 1 MiB; its own errors are raised as they are.

    Raises:
        CommError: of wandb, for any other answer, and if there is none: it may be retried.
    """
    try:
        got = requests.get(url, auth=_auth(api, base_url, url), timeout=_TIMEOUT, stream=True)
    except OSError as error:  # all errors of requests are OSErrors
        raise _failed(error) from error
    with got:
        if got.status_code in _GONE:
            return False
        if not got.ok:
            raise wandb.errors.CommError(f"the download returned error {got.status_code}")
        chunks = got.iter_content(_CHUNK_SIZE)
        while (chunk := _next(chunks)) is not None:
            write(chunk)
    return True


def _next(chunks: Iterator[bytes]) -> bytes | None:
    try:
        return next(chunks, None)
    except OSError as error:  # not one of `write`, as of a disk that is full
        raise _failed(error) from error


def _failed(error: Exception) -> wandb.errors.CommError:
    return wandb.errors.CommError(f"the download failed: {type(error).__name__}")


def _auth(api: wandb.Api, base_url: str, url: str) -> Any:
    if origin_of(url) == origin_of(base_url) and api.api_key:
        return ("api", api.api_key)
    return _unchanged  # else requests would add what netrc has for that host


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
