"""The reasons for the kind of an artifact, as text."""

from __future__ import annotations

from mfwb.planning.classify import CONTAINERS, Kind
from mfwb.planning.classify_reasons import DecidingType, KindEvidence, Reason
from mfwb.planning.type_table import family_of
from mfwb.safe_text import one_line

__all__ = ["explain_kind", "why_not_more"]


def explain_kind(reason: Reason) -> str:
    """Return why an artifact has its kind."""
    deciding_type = reason.deciding_type
    if deciding_type.evidence is KindEvidence.CHECKPOINT:
        return "it refers to files that metaflow-checkpoint saved"
    if deciding_type.evidence is KindEvidence.TENSORS:
        return "an OrderedDict of tensors, as torch's state_dict() returns it"
    if deciding_type.evidence is KindEvidence.FILE:
        return _file(deciding_type.name)
    if deciding_type.evidence is KindEvidence.NOTHING:
        return _unknown(one_line(reason.type), reason)
    is_listed = (
        deciding_type.evidence is KindEvidence.TABLE and deciding_type.pattern == deciding_type.name
    )
    if deciding_type.inside:
        refers = f"its pickle refers to {one_line(deciding_type.name)}"
        return refers if is_listed else f"{refers}, which {_fits(deciding_type)}"
    return _listed(deciding_type.name) if is_listed else f"its type {_fits(deciding_type)}"


def _file(media: str) -> str:
    if media == "md":
        return "its name says that its text is Markdown"
    return f"it begins like a file of the type {media}"


def why_not_more(reason: Reason) -> dict[str, str]:
    """Return what is not done with an artifact although it could be, and why."""
    reasons = {
        "not in the summary": reason.no_value,
        "not loaded": reason.not_loaded,
        "not converted": reason.not_converted,
    }
    return {effect: one_line(why) for effect, why in reasons.items() if why}


def _listed(name: str) -> str:
    if name in CONTAINERS:
        return f"a {name} of plain values"
    known = family_of(name)
    if known is not None and known.kind is Kind.VALUE:
        return f"{name} is a plain value"
    return f"mfwb knows {name}"


def _fits(deciding_type: DecidingType) -> str:
    pattern = one_line(deciding_type.pattern)
    if deciding_type.evidence is KindEvidence.KINDS:
        return f'fits "{pattern}" of the [kinds] in your settings'
    if deciding_type.evidence is KindEvidence.CONVERTER:
        return f"fits {pattern}, which the converter {one_line(deciding_type.converter)} takes"
    return f"fits {pattern}"


def _unknown(type_: str, reason: Reason) -> str:
    if reason.unseen:
        return f"its content is not known: {reason.unseen}"
    held = one_line(reason.deciding_type.name)
    if type_ in CONTAINERS:
        return f"it holds {held}, which is not a plain value, a table or a model"
    named = f"mfwb does not know {type_}" if type_ else "its type was not recorded"
    return f"{named}, and no table or model is seen in it"
