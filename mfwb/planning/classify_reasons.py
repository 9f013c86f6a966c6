"""Reasons of a classification: why an artifact has its kind, and why it is not loaded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from mfwb.config import StepSettings
from mfwb.planning.classify import (
    CONTAINERS,
    JSON_LIMIT,
    LOADED,
    MEMORY_FACTOR,
    MEMORY_FACTORS,
    VALUE_LIMIT,
    Classification,
    classify,
    family_for,
    is_plain,
    media_format,
    part_of,
    plugin_for,
)
from mfwb.planning.plan import Form
from mfwb.planning.type_table import Family, Kind, family_of
from mfwb.snapshot import ArtifactRef

__all__ = ["DecidingType", "KindEvidence", "Reason", "explain_classification"]


class KindEvidence(str, Enum):
    """The evidence for the kind of a type."""

    KINDS = "kinds"  # a pattern in the user's settings
    CONVERTER = "converter"  # a converter of another package takes it
    TABLE = "table"  # a pattern of the table of families
    FILE = "file"  # bytes or a text that are a whole file
    TENSORS = "tensors"  # an OrderedDict of tensors is a state dict
    NOTHING = "nothing"  # the type is not known


@dataclass(frozen=True, slots=True)
class DecidingType:
    """The type that decided on a kind.

    Attributes:
        evidence: the evidence for the kind.
        name: the qualified name that decided; for NOTHING, a name that is not known, if any; for
            FILE, the format.
        pattern: the pattern that the name matches, if any.
        inside: whether the name is not the artifact's type, but one that its pickle refers to.
        converter: the name of the converter, for the evidence CONVERTER.
    """

    evidence: KindEvidence
    name: str = ""
    pattern: str = ""
    inside: bool = False
    converter: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """The classification of an artifact, and the reasons for it.

    Attributes:
        type: the type of the artifact, as Metaflow recorded it.
        classification: the result of `classify`.
        deciding_type: the type that decided on the kind.
        no_value: why a value does not go into the summary.
        not_loaded: why the artifact is not loaded, if loading it would give a better form.
        not_converted: why a converter of another package that takes the type is not used.
        unseen: why the pickle was not inspected, if that would have decided on the kind.
    """

    type: str
    classification: Classification
    deciding_type: DecidingType
    no_value: str = ""
    not_loaded: str = ""
    not_converted: str = ""
    unseen: str = ""


def explain_classification(ref: ArtifactRef, settings: StepSettings) -> Reason:
    """Return the classification of an artifact, and the reasons for it."""
    classification = classify(ref, settings)
    family = family_for(ref, settings)
    deciding_type = _find_deciding_type(ref, family, settings)
    if classification.kind is Kind.VALUE:
        return Reason(ref.type, classification, deciding_type)
    return Reason(
        ref.type,
        classification,
        deciding_type,
        no_value=_no_value(ref, family, settings),
        not_loaded=_not_loaded(ref, family, settings),
        not_converted=_not_converted(ref, settings),
        unseen=_unseen(ref) if deciding_type.evidence is KindEvidence.NOTHING else "",
    )


# --- the kind -------------------------------------------------------------------------------


def _find_deciding_type(ref: ArtifactRef, family: Family, settings: StepSettings) -> DecidingType:
    decided = _decided_by_settings(ref.type, settings)
    if decided is not None:
        return decided
    if media := media_format(ref):
        return DecidingType(KindEvidence.FILE, media)
    family_of_part = family_of(ref.type)
    if (
        family_of_part is not None
        and family.kind is family_of_part.kind
        and family.pattern == family_of_part.pattern
    ):
        return DecidingType(KindEvidence.TABLE, ref.type, family_of_part.pattern)
    if family.kind is Kind.OTHER:
        return DecidingType(KindEvidence.NOTHING, _find_unknown_name(ref, settings), inside=True)
    name = _find_deciding_name(ref, family.kind, settings)
    if name is None:
        return DecidingType(KindEvidence.TENSORS, ref.type)
    return _find_deciding_type_of_part(name, settings)


def _decided_by_settings(
    name: str, settings: StepSettings, *, inside: bool = False
) -> DecidingType | None:
    """Return the type that the user's settings or a converter decide on; None: neither does."""
    for pattern, _ in settings.kinds:
        if fnmatchcase(name, pattern):
            return DecidingType(KindEvidence.KINDS, name, pattern, inside)
    plugin = plugin_for(name, settings)
    if plugin is None:
        return None
    pattern = next(pattern for pattern in plugin.types if fnmatchcase(name, pattern))
    return DecidingType(KindEvidence.CONVERTER, name, pattern, inside, plugin.name)


def _find_deciding_type_of_part(name: str, settings: StepSettings) -> DecidingType:
    decided = _decided_by_settings(name, settings, inside=True)
    if decided is not None:
        return decided
    family_of_part = family_of(name)
    return DecidingType(
        KindEvidence.TABLE, name, family_of_part.pattern if family_of_part else "", inside=True
    )


def _find_deciding_name(ref: ArtifactRef, kind: Kind, settings: StepSettings) -> str | None:
    """Return a name in the pickle that has the kind; None if there is none."""
    parts = {
        name: part_of(name, settings) for name in ref.names or () if name not in ref.only_named
    }
    fitting = [
        name for name, part in parts.items() if part.kind is kind and part.form is not Form.PATH
    ]
    return min(fitting, key=_known_names_first, default=None)


def _find_unknown_name(ref: ArtifactRef, settings: StepSettings) -> str:
    """Return a name in the pickle that is not part of a plain value; empty if there is none."""
    unknown = [name for name in ref.names or () if not is_plain([name], settings)]
    return min(unknown, key=_known_names_first, default="")


def _known_names_first(name: str) -> tuple[bool, bool, str]:
    """Return a sort key that puts names that people know before helpers of a library."""
    last = name.rpartition(".")[2]
    return last.startswith("_"), not last[:1].isupper(), name


def _unseen(ref: ArtifactRef) -> str:
    if ref.names is not None or (ref.type not in CONTAINERS and family_of(ref.type) is not None):
        return ""
    if not ref.is_pickle:
        return _no_pickle(ref)
    return "its pickle can't be inspected"


# --- why something is not done --------------------------------------------------------------


def _no_value(ref: ArtifactRef, family: Family, settings: StepSettings) -> str:
    kind_by_user = next(
        (kind for name, kind in settings.kinds if fnmatchcase(ref.type, name)), None
    )
    kind = family.kind if kind_by_user is None else Kind.named(kind_by_user)
    if kind is not Kind.VALUE:
        return ""
    if not ref.is_pickle:
        return _no_pickle(ref)
    if ref.no_value:
        return ref.no_value
    if ref.size > VALUE_LIMIT:
        return f"{ref.size:,} bytes, and a summary takes no value of more than {VALUE_LIMIT:,}"
    return "its pickle refers to names for it, and --unpickle never follows none"


def _not_converted(ref: ArtifactRef, settings: StepSettings) -> str:
    plugin = plugin_for(ref.type, settings)
    if plugin is None or plugin.safe or settings.unpickle == "trusted":
        return ""
    return f"the converter {plugin.name} may run code, which needs --unpickle trusted"


def _not_loaded(ref: ArtifactRef, family: Family, settings: StepSettings) -> str:
    """Return why an artifact is not loaded; empty if it is, or if loading would change nothing."""
    if not ref.is_pickle:
        return _no_pickle(ref)
    if family.form not in LOADED and family.preview is None:
        return ""
    if settings.unpickle == "never":
        return "--unpickle never"
    if family.needs_trust and settings.unpickle != "trusted":
        return "that would run code, which needs --unpickle trusted"
    return _too_large(ref, family.form, settings.max_memory)


def _too_large(ref: ArtifactRef, form: Form, max_memory: int) -> str:
    if form is Form.JSON and ref.size > JSON_LIMIT:
        return f"{ref.size:,} bytes, and JSON is made of no more than {JSON_LIMIT:,}"
    needed = ref.size * MEMORY_FACTORS.get(form, MEMORY_FACTOR)
    if needed <= max_memory:
        return ""
    return f"that may take {needed:,} bytes of memory, and --max-memory is {max_memory:,}"


def _no_pickle(ref: ArtifactRef) -> str:
    return f"it is not a pickle, but {ref.encoding or 'of an unknown encoding'}"
