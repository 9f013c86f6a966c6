"""Importing wandb without what nobody reads here: a quarter of a second of each call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic._internal import _fields

__all__ = ["without_field_descriptions"]


@contextmanager
def without_field_descriptions() -> Iterator[None]:
    """Keep pydantic (2.13) from parsing the source of each model for the docstrings of its fields.

    wandb asks for that with `use_attribute_docstrings`; they only become descriptions in schemas.
    """
    name = "extract_docstrings_from_cls"
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
    import wandb  # noqa: F401 - so that it is there, before others ask for it
