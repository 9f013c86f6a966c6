"""Formats of counts, sizes, projects and names, the same in all output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mfwb.destination.addresses import project_url_of_group, project_url_of_run
from mfwb.outcome import FlowRunOutcome, RuleOutcome
from mfwb.safe_text import one_line

__all__ = [
    "OVERVIEW",
    "count",
    "describe_rules",
    "human_seconds",
    "human_size",
    "planned_size",
    "project_path",
    "project_urls",
    "short_name",
]

OVERVIEW = "(overview)"
"""The W&B run of the flow run as a whole; no step can have this name."""

_ABOUT = "\N{ALMOST EQUAL TO}"
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_NEXT_UNIT = 999.5  # from here on, the number would be shown as 1000
_NO_TENTHS = 9.95  # seconds; from here on, tenths say nothing
_NO_DECIMALS = 99.95  # from here on, the number would be shown as 100.0


def count(number: int, noun: str) -> str:
    """Return `1 artifact`, `14 artifacts`, `2 losses`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def describe_rules(outcome: RuleOutcome) -> str:
    """Return what rules of the settings give to an artifact; empty if it is nothing."""
    aliases = count(len(outcome.aliases), "alias")
    parts = (
        (aliases.partition(" ")[2], ", ".join(map(one_line, outcome.aliases))),
        ("metadata", ", ".join(map(one_line, outcome.metadata))),
        ("link to", one_line(outcome.link or "")),
    )
    return "; ".join(f"{label} {names}" for label, names in parts if names)


def human_size(size: int) -> str:
    """Return a number of bytes as in `512 B`, `1.2 MB`, `340 KB`; units are powers of 1000."""
    value, unit = float(size), 0
    while value >= _NEXT_UNIT and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    decimals = 0 if unit == 0 or value >= _NO_DECIMALS else 1
    return f"{value:.{decimals}f} {_UNITS[unit]}"


def human_seconds(seconds: float) -> str:
    """Return a duration as in `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < _NO_TENTHS:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min"


def planned_size(size: int, *, is_estimate: bool) -> str:
    """Return a size in a plan; one that is not exact has a sign for that."""
    return f"{_ABOUT}{human_size(size)}" if is_estimate else human_size(size)


def project_path(flow_run: FlowRunOutcome) -> str:
    """Return the W&B project of a flow run: `acme/wines`, or without an unknown entity."""
    if flow_run.entity is None:
        return f"project {one_line(flow_run.project or '')} of your default entity"
    return one_line(f"{flow_run.entity}/{flow_run.project}")


def project_urls(flow_runs: Iterable[FlowRunOutcome]) -> list[str]:
    """Return the URLs of the projects that flow runs are in, each once; none of offline ones."""
    return list(dict.fromkeys(url for flow_run in flow_runs for url in _project_urls(flow_run)))


def _project_urls(flow_run: FlowRunOutcome) -> Iterator[str]:
    if flow_run.url is not None:  # of thousands of unchanged flow runs, no W&B run has to be read
        yield project_url_of_group(flow_run.url)
    else:
        yield from (project_url_of_run(run.url) for run in flow_run.wandb_runs if run.url)


def short_name(name: str, pathspec: str) -> str:
    """Return the name of a W&B run without that of its flow run: `train/4`, `(overview)`."""
    if name == pathspec:
        return OVERVIEW
    return name.removeprefix(f"{pathspec}/")
