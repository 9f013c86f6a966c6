"""Pages of a connection."""

from __future__ import annotations

from typing import Any

import pytest

from mfwb.errors import SinkError
from mfwb.verification.recorded_online.requests import pages


def _page(node: int, cursor: str | None) -> dict[str, Any]:
    page_info = {"hasNextPage": cursor is not None, "endCursor": cursor}
    return {"edges": [{"node": {"id": node}}], "pageInfo": page_info}


def test_all_pages_in_order() -> None:
    """Each page is requested after the cursor of the previous one."""
    more = {"a": _page(2, "b"), "b": _page(3, None)}

    assert [node["id"] for node in pages(_page(1, "a"), more.__getitem__)] == [1, 2, 3]


def test_a_server_that_repeats_a_page() -> None:
    """It would never end."""
    with pytest.raises(SinkError, match="the same page twice"):
        list(pages(_page(1, "a"), lambda _cursor: _page(2, "a")))


def test_a_page_without_its_end() -> None:
    """It is an error, and not the last page."""
    with pytest.raises(SinkError):
        list(pages({"edges": []}, lambda _cursor: pytest.fail("there is no cursor")))
