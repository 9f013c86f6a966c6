"""Which artifacts may become charts, by the settings and by the graph."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mfwb.config import Curves
from mfwb.planning.classify import Classification, Kind
from mfwb.planning.names import summary_key
from mfwb.planning.plan import Form
from mfwb.snapshot import ArtifactRef, FlowRun

__all__ = ["CurveRules", "can_be_drawn", "iterated_names", "select_curve_rules"]

_LISTS = frozenset({"list", "tuple", "dict", "collections.OrderedDict", "collections.defaultdict"})
_ARRAYS = frozenset({"numpy.ndarray"})


@dataclass(frozen=True, slots=True)
class CurveRules:
    """Summary keys of the artifacts that the settings or the graph treat in their own way.

    Attributes:
        excluded: they become no charts.
        named: they become charts if that is possible at all.
        iterated: they are lists that a foreach iterates over, and become no charts.
    """

    excluded: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    iterated: tuple[str, ...] = ()


def can_be_drawn(ref: ArtifactRef, classification: Classification) -> bool:
    """Return whether an artifact may become charts, by its type."""
    if classification.kind is Kind.VALUE or classification.form is Form.JSON:
        return ref.type in _LISTS
    return classification.form is Form.PARQUET or ref.type in _ARRAYS


def iterated_names(flow_run: FlowRun) -> frozenset[str]:
    """Return the names of the artifacts that foreachs of a flow run iterate over."""
    return frozenset(
        task.transition.foreach
        for step in flow_run.steps
        for task in step.tasks
        if task.transition is not None and task.transition.foreach is not None
    )


def select_curve_rules(
    names: Iterable[str], curves: Curves, iterated: Collection[str]
) -> CurveRules:
    """Return the rules for the artifacts of these names that may become charts.

    Args:
        names: names of artifacts.
        curves: the setting of the step.
        iterated: names of artifacts that a foreach iterates over.
    """
    names = sorted({*names})
    if curves is True:
        return CurveRules(iterated=_keys(name for name in names if name in iterated))
    patterns = curves or ()
    named = [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
    return CurveRules(_keys(name for name in names if name not in named), _keys(named))


def _keys(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(summary_key, names))
