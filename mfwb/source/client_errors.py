"""Translate errors of Metaflow's client into errors of mfwb."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from metaflow.exception import (
    MetaflowException,
    MetaflowNamespaceMismatch,
    MetaflowNotFound,
)
from metaflow.plugins.metadata_providers.service import ServiceException

from mfwb.errors import NotFound, SourceError, Unreachable
from mfwb.files.rooted_files import OutsideRootError
from mfwb.operations import note_operation
from mfwb.source.metadata_service import ServiceError as NoUsableAnswer

__all__ = ["client_errors"]

_REFUSALS = frozenset({401, 403})
_OUTAGE_STATUSES = frozenset({429, 500, 502, 503, 504})

# Errors that the client lets through if a record is not as Metaflow writes it: it indexes, sorts
# and formats what it reads, unchecked. ValueError: damaged JSON, or text that is not UTF-8.
_DAMAGE_ERRORS = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)


@contextmanager
def client_errors(requested: object, provider: str) -> Iterator[None]:
    """Turn errors of Metaflow's client into ours. Only its explicit errors mean "does not exist".

    Put only calls of the client inside: a bug in mfwb must not look like a damaged record.

    Raises:
        NotFound: the requested object does not exist, or is in another namespace.
        SourceError: it is damaged, or can't be read.
        Unreachable: the metadata service does not answer.
    """
    note_operation("Metaflow", f"read {requested}")
    try:
        yield
    except MetaflowNotFound:
        raise NotFound(f"there is no {requested} in {provider}") from None
    except MetaflowNamespaceMismatch as error:
        raise NotFound(f"{requested} is in another namespace: {error}") from None
    except NoUsableAnswer as error:
        raise error.to_mfwb_error(requested, provider) from None
    except ServiceException as error:
        if error.http_code in _REFUSALS:
            raise Unreachable(
                f"{provider} refuses {requested} ({error.http_code}); look at "
                "METAFLOW_SERVICE_AUTH_KEY and METAFLOW_SERVICE_HEADERS, and at your rights there"
            ) from None
        if error.http_code is None or error.http_code in _OUTAGE_STATUSES or error.http_code < 0:
            raise Unreachable(f"{provider} does not answer as it should: {error}") from None
        raise SourceError(f"{requested}: {provider} reports: {error}") from None
    except OutsideRootError as error:
        advice = "name that folder with --datastore-root if it is yours"
        raise SourceError(f"{requested} can't be read: {error}; {advice}") from error
    except (MetaflowException, OSError) as error:
        raise SourceError(f"{requested} can't be read: {error}") from error
    except _DAMAGE_ERRORS as error:
        problem = "it is nested too deep" if isinstance(error, RecursionError) else _describe(error)
        raise SourceError(
            f"{requested} can't be read, its metadata is damaged: {problem}"
        ) from error


def _describe(error: Exception) -> str:
    """Describe the error: the key that a record lacks, or else Python's own message."""
    if isinstance(error, ValueError):
        return str(error)
    if isinstance(error, KeyError):  # its text is the key alone
        return f"a record has no {error}"
    return f"a record is not as Metaflow writes it ({type(error).__name__}: {error})"
