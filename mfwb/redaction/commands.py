"""Secrets in commands of a shell whose options have no name of a secret: `curl -u bob:...`."""

from __future__ import annotations

import re

from mfwb.redaction.mark import MASK

__all__ = ["HINTS", "mask_commands"]

HINTS = ("curl ", "mysql", "login", "sshpass")
"""Each such command has one of these parts, in small letters."""

_CURL = re.compile(
    r"((?<![\w\-])curl\s)([^\n]{0,2000}?(?<=\s)(?:-u|-U|--user|--proxy-user)"
    r"[ =]?['\"]?[^\s:'\"]{0,100}:)"
    r"([^\s'\"]{1,500})",
    re.MULTILINE,
)
_OTHERS = (
    re.compile(r"(\bmysql\w{0,10}\s[^\n|;]{0,300}?(?<=\s)-p)([^\s'\"]{3,200})"),
    re.compile(
        r"(\b(?:docker|podman|buildah|helm|oras)\s[^\n|;]{0,60}?\blogin\s[^\n|;]{0,300}?"
        r"(?<=\s)-p[ =]?['\"]?)([^\s'\"]{3,500})"
    ),
    re.compile(r"(\bsshpass\s{1,4}-p\s{0,4}['\"]?)([^\s'\"]{1,200})"),
    re.compile(
        r"(\b(?:wandb|comet|neptune)\s{1,4}login\s{1,4}(?:--\w+\s{1,4}){0,3})([A-Za-z0-9_]{32,200})(?!\S)"
    ),
)


def mask_commands(text: str) -> str:
    """Return the text without the passwords that a command of a shell has in it."""
    lower = text.lower()
    if not any(hint in lower for hint in HINTS):
        return text
    text = _CURL.sub(rf"\1\2{MASK}", text)
    for command in _OTHERS:
        text = command.sub(rf"\1{MASK}", text)
    return text
