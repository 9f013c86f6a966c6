"""Subsets of many things, as people write them: `5%`, or `1/20` for the first of 20 groups."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["EVERYTHING", "NOTHING", "SUBSET_FORMAT", "Subset", "parse_group", "parse_subset"]

SUBSET_FORMAT = "subsets are written like 5%, or like 1/20 for the first of 20 groups"

_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,12})?)\s*%", re.ASCII)
_GROUP = re.compile(r"([0-9]{1,9})\s*/\s*([0-9]{1,9})", re.ASCII)
_POINTS = 2**64


@dataclass(frozen=True, slots=True)
class Subset:
    """The things whose keys have a hash in one part of all hashes.

    A thing is in the same subsets each time. The groups 1/20 to 20/20 have nothing in common, and
    together have everything.

    Attributes:
        start: of the part, from 0 to 1.
        end: of the part, from 0 to 1; a hash that is equal to it is outside.
    """

    start: Fraction
    end: Fraction

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return self.start >= self.end

    @property
    def is_whole(self) -> bool:
        """Whether everything is in it."""
        return self.start <= 0 and self.end >= 1

    def has(self, key: str) -> bool:
        """Return whether the thing with this key is in the subset."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        point = int.from_bytes(digest[:8], "big")
        return self.start * _POINTS <= point < self.end * _POINTS


NOTHING = Subset(Fraction(0), Fraction(0))
EVERYTHING = Subset(Fraction(0), Fraction(1))


def parse_subset(text: str) -> Subset:
    """Return the subset that a text names; ValueError.

    `5%` is above 0 % and at most 100 %; `n/t` is the n-th of t groups of about the same size, from
    1/t to t/t.
    """
    subset = NOTHING
    if percent := _PERCENT.fullmatch(text.strip()):
        subset = Subset(Fraction(0), Fraction(percent[1]) / 100)
    elif (group := _GROUP.fullmatch(text.strip())) and 1 <= int(group[1]) <= int(group[2]):
        number, groups = int(group[1]), int(group[2])
        subset = Subset(Fraction(number - 1, groups), Fraction(number, groups))
    if subset.is_empty or subset.end > 1:
        raise ValueError(SUBSET_FORMAT)
    return subset


def parse_group(text: str) -> Subset:
    """Return the n-th of t groups, of `n/t` from 1/t to t/t; ValueError."""
    if not _GROUP.fullmatch(text.strip()):
        raise ValueError(_GROUP_FORMAT)
    try:
        return parse_subset(text)
    except ValueError:
        raise ValueError(_GROUP_FORMAT) from None


_GROUP_FORMAT = "shards are written like 1/20, for the first of 20"
