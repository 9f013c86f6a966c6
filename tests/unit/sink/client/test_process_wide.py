"""Private parts of pydantic that mfwb replaces."""

from __future__ import annotations

from pydantic import BaseModel
from pydantic._internal import _fields

from mfwb.sink.client.process_wide import without_field_descriptions


def test_contract() -> None:
    """Pydantic has the replaced function; without it models differ in descriptions only."""
    assert callable(getattr(_fields, "extract_docstrings_from_cls"))  # noqa: B009 - not exported
    with without_field_descriptions():

        class Quick(BaseModel, use_attribute_docstrings=True):
            """A model."""

            size: int = 3
            """How large it is."""

    class Slow(BaseModel, use_attribute_docstrings=True):
        """A model."""

        size: int = 3
        """How large it is."""

    assert (Quick.model_fields["size"].description, Quick().size) == (None, 3)
    assert Slow.model_fields["size"].description == "How large it is."
