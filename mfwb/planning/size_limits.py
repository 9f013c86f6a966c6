"""What fits into the config and the summary of a W&B run, and what goes elsewhere. Pure.

W&B refuses a config of more than 15 MB, and with it the W&B run; it drops a summary of more than
10 MB whole. Sizes are characters of JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mfwb.planning import names
from mfwb.snapshot import ArtifactRef, FlowRun, Loss, Parameter

__all__ = [
    "CONFIG_LIMIT",
    "FACTS_LIMIT",
    "SUMMARY_LIMIT",
    "SURE_TO_FIT",
    "cut_losses",
    "cut_to_fit",
    "parameters_as_files",
    "shortened_text",
    "shown_value",
    "too_many",
]

SUMMARY_LIMIT = 8_000_000
"""Characters of a whole summary."""

FACTS_LIMIT = 1_000_000
"""Characters of it that are facts of Metaflow's: how the tasks ended, and why."""

CONFIG_LIMIT = 5_000_000
"""Characters of all parameters and constants; and as many of facts of Metaflow's."""

_PER_BYTE = 8  # characters of JSON that a byte of a pickle can become, if nothing is there twice

SURE_TO_FIT = (SUMMARY_LIMIT - FACTS_LIMIT) // _PER_BYTE
"""Bytes of pickled values that fit into a summary, whatever they are."""

_LONGEST_TEXTS = (300_000, 100_000, 30_000, 10_000, 3_000, 1_000, 300, 100)
_LONGEST_LISTS = (30_000, 10_000, 3_000, 1_000, 100, 10)


# --- parameters -----------------------------------------------------------------------------


def parameters_as_files(flow_run: FlowRun) -> frozenset[str]:
    """Return the names of the parameters and constants whose value config has no room for.

    These are the largest of them, and those whose value could not be told as JSON.
    """
    unknown = [one.name for one in flow_run.parameters if one.no_value]
    sizes = {
        one.name: _size(one.value)
        for one in flow_run.parameters
        if not one.no_value and one.kind != "IncludeFile"
    }
    return frozenset(unknown) | _beyond(sizes, CONFIG_LIMIT)


def shown_value(parameter: Parameter, as_files: frozenset[str]) -> Any:
    """Return what config says of a parameter: its value, or where that is."""
    if parameter.name not in as_files:
        return parameter.value
    is_known = not parameter.no_value
    what = f"{_size(parameter.value):,} characters" if is_known else f"<{parameter.ref.type}>"
    return f"{what}: see the artifact {names.artifact_name(parameter.name)}"


# --- values ---------------------------------------------------------------------------------


def too_many(refs: Iterable[ArtifactRef], beside: Iterable[ArtifactRef] = ()) -> dict[str, str]:
    """Return which values of one task the summary has no room for, by name, and why not.

    Args:
        refs: those that could go elsewhere.
        beside: others, which need room, too.
    """
    sizes = {ref.name: _characters(ref) for ref in refs}
    taken = sum(map(_characters, beside))
    return {
        name: f"{sizes[name]:,} characters, and the values of this W&B run have more than "
        f"the {SUMMARY_LIMIT:,} that its summary takes"
        for name in _beyond(sizes, SUMMARY_LIMIT - FACTS_LIMIT - taken)
    }


def _characters(ref: ArtifactRef) -> int:
    size = ref.size * _PER_BYTE if ref.characters is None else ref.characters
    return size + len(ref.name) + len('"": , ')


def _beyond(sizes: Mapping[str, int], limit: int) -> frozenset[str]:
    """Return the largest, as many as it takes for the rest to fit."""
    total = sum(sizes.values())
    out = set()
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        if total <= limit:
            break
        total -= sizes[name]
        out.add(name)
    return frozenset(out)


# --- facts ----------------------------------------------------------------------------------


def cut_to_fit(said: dict[str, Any], limit: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return facts cut until they fit: long texts first, then long lists; and the keys cut.

    A text that is cut says how long it was; a list of which the end is missing, how many there are.
    """
    if _size(said) <= limit:
        return said, ()
    fit = said
    for longest in _LONGEST_TEXTS:
        fit = {key: _with_texts(one, longest) for key, one in said.items()}
        if _size(fit) <= limit:
            break
    else:
        texts = fit
        for most in _LONGEST_LISTS:
            fit = {key: _with_lists(one, most) for key, one in texts.items()}
            if _size(fit) <= limit:
                break
    return fit, tuple(key for key, one in fit.items() if one != said[key])


def cut_losses(keys: Iterable[str], where: str, of: str) -> list[Loss]:
    """Return what is lost of facts that were cut.

    Args:
        keys: as `cut_to_fit` returns them.
        where: they stood: `config.metaflow`.
        of: the name of the W&B run.
    """
    reason = "longer than W&B takes: texts and lists are cut, and say how long they were"
    return [Loss(f"{where}.{key} of {of}", reason) for key in keys]


def shortened_text(text: str, longest: int) -> str:
    """Return a text, or its beginning and how long it is."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} ... (the first {longest:,} of {len(text):,} characters)"


def _with_texts(said: Any, longest: int) -> Any:
    if isinstance(said, str):
        return shortened_text(said, longest)
    if isinstance(said, dict):
        return {key: _with_texts(one, longest) for key, one in said.items()}
    if isinstance(said, list):
        return [_with_texts(one, longest) for one in said]
    return said


def _with_lists(said: Any, most: int) -> Any:
    if isinstance(said, dict):
        return {key: _with_lists(one, most) for key, one in said.items()}
    if isinstance(said, list):
        few = [_with_lists(one, most) for one in said[:most]]
        return few if len(said) <= most else [*few, f"... and {len(said) - most:,} more"]
    return said


def _size(said: Any) -> int:
    return len(json.dumps(said))
