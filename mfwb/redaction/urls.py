"""Secrets in URLs: users and passwords, signatures and tokens in queries."""

from __future__ import annotations

import re

from mfwb.redaction.mark import MASK

__all__ = ["mask_credentials", "mask_url_users", "mask_urls"]

_USER_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY_OF_URL = re.compile(r"(://[^\s?'\"]+\?)[^\s'\"]+")
_USER_PART = re.compile(r"://([^\s/?#\"'<>\\]{1,500})@")
_USER_PART_WITH_SLASH = re.compile(
    r"(\b(?:postgres\w{0,10}|mysql|mariadb|mongodb|rediss?|amqps?|mssql|oracle|snowflake)"
    r"(?:\+\w{1,20})?://[^\s/?#\"'<>\\:@]{0,200}:)(?![0-9]{1,5}[/,])([^\s\"'<>\\@]{1,500})(?=@)"
)
_USER_PART_QUOTED = re.compile(
    r"(%3A%2F%2F[^\s%/\"'<>]{0,200}%3A)([^\s/\"'<>@&=]{1,500}?)(?=%40)", re.IGNORECASE
)
_ORACLE = re.compile(
    r"(jdbc:oracle:\w{1,10}:[^\s/@:]{1,100}/)([^\s@/\"'<>]{1,200})(?=@)", re.IGNORECASE
)
_SIGNATURE = re.compile(
    r"([?&](?:(?:X-(?:Amz|Goog)-)?Signature|sig)=)([^&\s\"'<>\\{]+)", re.IGNORECASE
)
_USER_IS_SECRET = ("http", "https")
_SCHEME_LENGTH = 12


def mask_url_users(text: str) -> str:
    """Return the text without the users and passwords in its URLs."""
    return _USER_IN_URL.sub(f"{MASK}@", text)


def mask_urls(text: str) -> str:
    """Return the text without users, passwords and queries in its URLs: a query may be signed."""
    return _QUERY_OF_URL.sub(rf"\1{MASK}", mask_url_users(text))


def mask_credentials(text: str) -> str:
    """Return the text without passwords and signatures in its URLs; innocent users stay.

    In URLs of the web, the user itself may be a token. `ssh://git@host` has no secret.
    """
    if "@" in text:
        text = _USER_PART.sub(_without_password, text)
        text = _USER_PART_WITH_SLASH.sub(rf"\1{MASK}", text)
        text = _ORACLE.sub(rf"\1{MASK}", text)
    if "%40" in text:
        text = _USER_PART_QUOTED.sub(rf"\1{MASK}", text)
    return _SIGNATURE.sub(rf"\1{MASK}", text)


def _without_password(match: re.Match[str]) -> str:
    before = match.string[max(0, match.start() - _SCHEME_LENGTH) : match.start()].lower()
    if before.endswith(_USER_IS_SECRET):
        return f"://{MASK}@"
    user, colon, password = match[1].partition(":")
    return f"://{user}:{MASK}@" if colon and password else match[0]
