"""Masks values and texts of a flow run, by the rules of the user."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from mfwb.redaction.assignments import SecretNames, is_innocent
from mfwb.redaction.mark import MASK
from mfwb.redaction.names import is_password_name, is_secret_name
from mfwb.redaction.patterns import Patterns
from mfwb.redaction.source_files import LARGEST_SOURCE, mask_source
from mfwb.redaction.texts import mask_text, may_have_secret
from mfwb.redaction.token_forms import has_aws_id, is_aws_secret

__all__ = ["RULES_VERSION", "Masked", "Masker"]

RULES_VERSION = 1
"""The number of the rules of what a secret looks like: with others, W&B runs are written again."""


@dataclass(frozen=True, slots=True, order=True)
class Masked:
    """An item of a flow run in which something was masked.

    Attributes:
        item: its name, as losses name items; never a part of its value.
        marks: how many of its texts have a mark; of a log, how many of its lines.
    """

    item: str
    marks: int = 1


class Masker:
    """Puts stars in place of secrets. To mask what is masked already changes nothing."""

    def __init__(
        self,
        *,
        enabled: bool = True,
        patterns: Sequence[str] = (),
        names: Sequence[str] = (),
        exempt: Sequence[str] = (),
    ) -> None:
        """Store the rules.

        Args:
            enabled: whether anything is masked.
            patterns: regular expressions of further secrets.
            names: patterns of further names whose values are secrets.
            exempt: patterns of names whose values are never masked.

        `digest` is equal for equal rules; it is empty if nothing is masked. `names` has the names
        of secrets in texts.
        """
        self.enabled = enabled
        self._patterns = Patterns(patterns)
        self._secret = [name.lower() for name in names]
        self._exempt = [name.lower() for name in exempt]
        self.digest = _digest_of([*patterns], [*names], [*exempt]) if enabled else ""
        self._has_rules = bool(patterns or names)
        self._is_secret = lru_cache(maxsize=8192)(self._matches_secret)
        self.names = SecretNames.of(self._is_secret, names)

    def is_secret_name(self, name: str) -> bool:
        """Whether the rules make all values of that name secrets."""
        return self.enabled and self._is_secret(name)

    def is_exempt(self, name: str) -> bool:
        """Whether values of that name are never masked."""
        return _fits(name, self._exempt)

    def mask_text(self, text: str) -> str:
        """Return a text with stars in place of the secrets in it."""
        if not self.enabled or not text:
            return text
        return self._patterns.mask(mask_text(text, self.names))

    def mask_source(self, file_name: str, data: bytes) -> bytes:
        """Return a file of code with stars in place of its secrets; what is no text stays as it is.

        Args:
            file_name: its suffix tells whether it is Python.
            data: the file, or the first `LARGEST_SOURCE` bytes of it and one more.
        """
        if not self.enabled or len(data) > LARGEST_SOURCE:
            return data
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return data
        return self._patterns.mask(mask_source(file_name, text, self.names)).encode("utf-8")

    def mask_value(self, name: str, value: Any) -> tuple[Any, int]:
        """Return a value of JSON types without its secrets, and how many of its texts have one.

        A value without secrets is returned itself.

        Args:
            name: of the value; it may be that of a secret.
            value: text, number, list, dict and so on.
        """
        if not self.enabled or value is None or isinstance(value, (bool, float)):
            return value, 0
        walk = _Walk(self)
        masked = walk.mask(value, name, is_secret=False)
        return (masked, walk.marks) if walk.marks else (value, 0)

    def mask_names(self, names: Sequence[str]) -> tuple[list[str], int]:
        """Return names, such as those of columns, that differ and show no secret, and the marks."""
        taken: dict[str, None] = {}
        walk = _Walk(self)
        for name in names:
            taken[walk.key(name, taken)] = None
        return (list(taken), walk.marks) if walk.marks else (list(names), 0)

    def is_candidate(self, name: str, text: str) -> bool:
        """Whether a value of that name may have secrets, by a quick look at its text."""
        if not self.enabled or self.is_exempt(name):
            return False
        return self.is_secret_name(name) or self._has_rules or may_have_secret(text, self.names)

    def _matches_secret(self, name: str) -> bool:
        if self.is_exempt(name):
            return False
        return is_secret_name(name) or _fits(name, self._secret)


class _Walk:
    """A walk through one value."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self.marks = 0

    def mask(self, value: Any, name: str, *, is_secret: bool) -> Any:
        """Return a part of the value; whether it is secret as a whole decides its name or owner."""
        if type(value) in _HARMLESS or (name and self._masker.is_exempt(name)):
            return value
        is_secret = is_secret or (bool(name) and self._masker.is_secret_name(name))
        if isinstance(value, str):
            return self._text(value, is_secret=is_secret)
        if isinstance(value, Mapping):
            return self._mapping(value, is_secret=is_secret)
        if isinstance(value, (list, tuple)):
            return self._items(value, is_secret=is_secret)
        if is_secret and type(value) is int and is_password_name(name):
            return self._mark()
        return value

    def _items(self, values: Sequence[Any], *, is_secret: bool) -> list[Any]:
        if _HARMLESS.issuperset(map(type, values)):
            return list(values)
        return [self.mask(item, "", is_secret=is_secret) for item in self._with_aws(values)]

    def _text(self, text: str, *, is_secret: bool) -> str:
        if is_secret and not is_innocent(text):
            return self._mark()
        masked = self._masker.mask_text(text)
        self.marks += masked != text
        return masked

    def _mapping(self, value: Mapping[str, Any], *, is_secret: bool) -> Any:
        if value.get("_type") == "bytes" and isinstance(value.get("base64"), str):
            return self._bytes(value, is_secret=is_secret)
        values = self._with_aws(value.values())
        named = _name_of_entry(value)
        masked: dict[str, Any] = {}
        for (key, _), item in zip(value.items(), values, strict=True):
            owner = named if key in _VALUE_KEYS and named else str(key)
            new_key = self.key(str(key), masked)
            masked[new_key] = self.mask(item, owner, is_secret=is_secret)
        return masked

    def key(self, key: str, taken: Mapping[str, Any]) -> str:
        """Return a key of a dict; it may have the form of a secret itself."""
        masked = self._masker.mask_text(key)
        if masked == key:
            return key
        self.marks += 1
        number, free = 1, masked
        while free in taken:
            number += 1
            free = f"{masked} ({number})"
        return free

    def _bytes(self, value: Mapping[str, Any], *, is_secret: bool) -> Any:
        try:
            text = base64.b64decode(value["base64"], validate=True).decode("latin-1")
        except (binascii.Error, ValueError):
            return value
        is_masked = (is_secret and bool(text)) or self._masker.mask_text(text) != text
        return self._mark() if is_masked else value

    def _with_aws(self, values: Iterable[Any]) -> Sequence[Any]:
        """Return values; of those beside an id of AWS, secret keys are masked."""
        items = list(values)
        if any(isinstance(item, str) and has_aws_id(item) for item in items):
            return [
                self._mark() if isinstance(item, str) and is_aws_secret(item) else item
                for item in items
            ]
        return items

    def _mark(self) -> str:
        self.marks += 1
        return MASK


_HARMLESS = frozenset({float, bool, type(None)})
"""Types of values that are no secrets, whatever their names."""

_NAME_KEYS = ("name", "Name", "key", "Key")
_VALUE_KEYS = ("value", "Value", "data")  # `data` in the cards of Metaflow


def _name_of_entry(value: Mapping[str, Any]) -> str:
    """Return the name in an entry such as `{"name": "API_KEY", "value": "..."}`, or nothing."""
    if not any(key in value for key in _VALUE_KEYS):
        return ""
    names = (value[key] for key in _NAME_KEYS if isinstance(value.get(key), str))
    return next(names, "")


def _digest_of(*rules: list[str]) -> str:
    return hashlib.sha256(json.dumps([RULES_VERSION, *rules]).encode()).hexdigest()[:16]


def _fits(name: str, patterns: Sequence[str]) -> bool:
    lower = name.lower()
    return any(fnmatchcase(lower, pattern) for pattern in patterns)
