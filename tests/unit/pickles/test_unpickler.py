"""What hostile pickles try is refused for the right reason, and no bytes are lost for it."""

from __future__ import annotations

import collections
import io
import os
import pickle
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from mfwb import pickles
from mfwb.conversion.tables import load_frame
from mfwb.errors import ItemLost
from mfwb.payload.values import decode
from mfwb.pickles.allowlist import PLAIN
from tests.support.hostile_pickles.makers import OBJECTS


class Persistent(pickle.Pickler):
    """Writes everything as a persistent id."""

    def persistent_id(self, obj: Any) -> Any:
        """Return an id for strings."""
        return "elsewhere" if isinstance(obj, str) else None


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("load", [decode, load_frame])
@pytest.mark.parametrize("name", OBJECTS)
def test_nothing_is_executed(
    name: str, load: Callable[[bytes], Any], protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading a hostile pickle fails before any of it is called."""
    called: list[Any] = []
    data = pickle.dumps(OBJECTS[name], protocol=protocol)
    for module, function in [(os, "putenv"), (os, "system"), (os, "abort"), (pd, "read_pickle")]:
        monkeypatch.setattr(module, function, lambda *arguments: called.append(arguments))

    with pytest.raises((pickle.UnpicklingError, ItemLost, TypeError)):
        load(data)

    assert called == []


def build_on(name: bytes, state: bytes) -> bytes:
    """Return a pickle that sets the state of what a name stands for."""
    module, _, attribute = name.rpartition(b".")
    return b"c" + module + b"\n" + attribute + b"\n" + state + b"b."


@pytest.mark.parametrize("name", [b"collections.Counter", b"uuid.UUID", b"fractions.Fraction"])
@pytest.mark.parametrize("state", [b"(N}S'x'\nI1\nst", b"}S'x'\nI1\ns", b"}"])
def test_classes_are_not_changed(name: bytes, state: bytes) -> None:
    """A pickle can't set the state of a class, which others use as well."""
    with pytest.raises(pickle.UnpicklingError, match="which is not its own"):
        pickles.loads(build_on(name, state), PLAIN)

    assert not hasattr(collections.Counter, "x")


def test_persistent_ids() -> None:
    """Metaflow writes no persistent ids, so there is nothing that one could mean."""
    file = io.BytesIO()
    Persistent(file).dump(["x"])

    with pytest.raises(pickles.ForbiddenName, match="persistent id 'elsewhere'"):
        pickles.loads(file.getvalue(), PLAIN)
