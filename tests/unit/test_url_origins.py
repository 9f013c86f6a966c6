"""Which URLs a key may be sent to."""

from __future__ import annotations

import pytest
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from mfwb.url_origins import origin_of

OWN = "https://api.example.com"
URLS = [
    OWN,
    f"{OWN}:443/path",
    "https://API.example.com",
    "https://user:password@api.example.com",
    "https://other.example\\@api.example.com",
    "https://other.example\\.api.example.com",
    "https://api.example.com\\@other.example",
    "https://api.example.com@other.example",
    "https://other.example#@api.example.com",
    "https://other.example?@api.example.com",
    "https://other.example/@api.example.com",
    "https://api.example.com.",
    "https://api.example.com:444",
    "https://api.exa\tmple.com",
    " https://api.example.com",
    "https://\uff41pi.example.com",
    "http://api.example.com",
    "https:api.example.com",
    "https://[",
]


@pytest.mark.parametrize("url", URLS)
def test_the_same_origin_is_the_same_host(url: str) -> None:
    """What is taken for the own server is the one that is really connected to."""
    if origin_of(url) != origin_of(OWN):
        return
    try:
        result = parse_url(url)  # as `requests` does
    except LocationParseError:
        pytest.fail("it is not even a URL")

    assert (result.scheme, result.host, result.port or 443) == ("https", "api.example.com", 443)


def test_ways_to_write_one() -> None:
    """Honest ones are known again."""
    assert {origin_of(url) for url in URLS[:4]} == {("https", "api.example.com", 443)}
