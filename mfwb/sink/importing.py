"""Importing wandb without what nobody reads here: a quarter of a second of each call."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic._internal import _fields

__all__ = ["new_api", "without_field_descriptions"]

_LOCK = threading.Lock()


@contextmanager
def without_field_descriptions() -> Iterator[None]:
    """Keep pydantic (2.13) from parsing the source of each model for the docstrings of its fields.

    wandb asks for that with `use_attribute_docstrings`; they only become descriptions in schemas.
    """
    name = "extract_docstrings_from_cls"
    with _LOCK:
        original = getattr(_fields, name, None)
        if original is None:  # another version, which is slower then, and as right
            yield
            return
        setattr(_fields, name, lambda *_, **__: {})
        try:
            yield
        finally:
            setattr(_fields, name, original)


with without_field_descriptions():
    import wandb


def new_api(overrides: dict[str, Any], **more: Any) -> wandb.Api:
    """Return a new public Api, which wandb imports when it is first asked for; so late, too."""
    with without_field_descriptions():
        api = wandb.Api
    return api(overrides=overrides, **more)
