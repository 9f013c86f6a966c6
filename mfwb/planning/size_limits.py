"""Size limits of the config and the summary of a W&B run, and what does not fit into them. Pure.

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
    "ALWAYS_FITS",
    "CONFIG_LIMIT",
    "FACTS_LIMIT",
    "SUMMARY_LIMIT",
    "config_value",
    "cut_item",
    "cut_losses",
    "cut_to_limit",
    "select_parameters_as_files",
    "select_values_that_do_not_fit",
    "shorten_text",
]

SUMMARY_LIMIT = 8_000_000
"""The limit for a whole summary, in characters."""

FACTS_LIMIT = 1_000_000
"""The part of the summary for facts of Metaflow, in characters: how the tasks ended, and why."""

CONFIG_LIMIT = 5_000_000
"""The limit for all parameters and constants, in characters; and again for facts of Metaflow."""

_CHARACTERS_PER_BYTE = 8  # of JSON, at most, for a byte of a pickle that stores nothing twice

ALWAYS_FITS = (SUMMARY_LIMIT - FACTS_LIMIT) // _CHARACTERS_PER_BYTE
"""The number of bytes of pickled values that always fit into a summary, whatever they are."""

_LONGEST_TEXTS = (300_000, 100_000, 30_000, 10_000, 3_000, 1_000, 300, 100)
_LONGEST_LISTS = (30_000, 10_000, 3_000, 1_000, 100, 10)


# --- parameters -----------------------------------------------------------------------------


def select_parameters_as_files(flow_run: FlowRun) -> frozenset[str]:
    """Return the names of the parameters and constants whose values do not fit into config.

    These are the largest ones, and those whose value could not be converted to JSON.
    """
    unknown = [parameter.name for parameter in flow_run.parameters if parameter.no_value]
    sizes = {
        parameter.name: _size(parameter.value)
        for parameter in flow_run.parameters
        if not parameter.no_value and parameter.kind != "IncludeFile"
    }
    return frozenset(unknown) | _select_excess(sizes, CONFIG_LIMIT)


def config_value(parameter: Parameter, as_files: frozenset[str]) -> Any:
    """Return the config entry of a parameter: its value, or the artifact that has the value."""
    if parameter.name not in as_files:
        return parameter.value
    is_known = not parameter.no_value
    what = f"{_size(parameter.value):,} characters" if is_known else f"<{parameter.ref.type}>"
    return f"{what}: see the artifact {names.artifact_name(parameter.name)}"


# --- values ---------------------------------------------------------------------------------


def select_values_that_do_not_fit(
    refs: Iterable[ArtifactRef], beside: Iterable[ArtifactRef] = ()
) -> dict[str, str]:
    """Return the values of one task that do not fit into the summary, by name, with the reason.

    Args:
        refs: the values that could go elsewhere.
        beside: other values that need room in the same summary.
    """
    sizes = {ref.name: _characters(ref) for ref in refs}
    taken = sum(map(_characters, beside))
    return {
        name: f"{sizes[name]:,} characters, and the values of this W&B run have more than "
        f"the {SUMMARY_LIMIT:,} that its summary takes"
        for name in _select_excess(sizes, SUMMARY_LIMIT - FACTS_LIMIT - taken)
    }


def _characters(ref: ArtifactRef) -> int:
    size = ref.size * _CHARACTERS_PER_BYTE if ref.characters is None else ref.characters
    return size + len(ref.name) + len('"": , ')


def _select_excess(sizes: Mapping[str, int], limit: int) -> frozenset[str]:
    """Return the names of the largest values, as many as needed for the rest to fit."""
    total = sum(sizes.values())
    excess = set()
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        if total <= limit:
            break
        total -= sizes[name]
        excess.add(name)
    return frozenset(excess)


# --- facts ----------------------------------------------------------------------------------


def cut_to_limit(facts: dict[str, Any], limit: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the facts, cut until they fit, and the keys of the facts that were cut.

    Long texts are cut first, then long lists. A cut text states its full length; a cut list states
    how many entries are missing.
    """
    if _size(facts) <= limit:
        return facts, ()
    fit = facts
    for longest in _LONGEST_TEXTS:
        fit = {key: _shorten_texts(value, longest) for key, value in facts.items()}
        if _size(fit) <= limit:
            break
    else:
        texts = fit
        for max_items in _LONGEST_LISTS:
            fit = {key: _shorten_lists(value, max_items) for key, value in texts.items()}
            if _size(fit) <= limit:
                break
    return fit, tuple(key for key, value in fit.items() if value != facts[key])


def cut_losses(keys: Iterable[str], where: str, run_name: str) -> list[Loss]:
    """Return the losses for facts that were cut.

    Args:
        keys: the keys that `cut_to_limit` returned.
        where: where the facts are, such as `config.metaflow`.
        run_name: the name of the W&B run.
    """
    reason = "longer than W&B accepts: texts and lists are cut, and their full length is noted"
    return [Loss(cut_item(key, where, run_name), reason) for key in keys]


def cut_item(key: str, where: str, run_name: str) -> str:
    """Return the name for the loss of a fact that was cut; arguments as of `cut_losses`."""
    return f"{where}.{key} of {run_name}"


def shorten_text(text: str, longest: int) -> str:
    """Return the text, or its beginning and its full length if it is too long."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} ... (the first {longest:,} of {len(text):,} characters)"


def _shorten_texts(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return shorten_text(value, longest)
    if isinstance(value, dict):
        return {key: _shorten_texts(inner, longest) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shorten_texts(inner, longest) for inner in value]
    return value


def _shorten_lists(value: Any, max_items: int) -> Any:
    if isinstance(value, dict):
        return {key: _shorten_lists(inner, max_items) for key, inner in value.items()}
    if isinstance(value, list):
        kept = [_shorten_lists(inner, max_items) for inner in value[:max_items]]
        return (
            kept if len(value) <= max_items else [*kept, f"... and {len(value) - max_items:,} more"]
        )
    return value


def _size(value: Any) -> int:
    return len(json.dumps(value))
