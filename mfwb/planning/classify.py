"""Classification of an artifact for W&B, from the facts that Metaflow recorded about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache, partial

from mfwb.config import Plugin, StepSettings
from mfwb.media_formats import PANELS, is_markdown_name
from mfwb.planning.plan import Form, Preview
from mfwb.planning.type_table import IMAGE_KIND, Family, Kind, family_of
from mfwb.snapshot import ArtifactRef, Task

__all__ = [
    "CONTAINERS",
    "JSON_LIMIT",
    "LOADED",
    "MEMORY_FACTOR",
    "MEMORY_FACTORS",
    "VALUE_LIMIT",
    "Classification",
    "Kind",
    "can_be_curve",
    "can_be_reference",
    "can_be_shown",
    "can_be_value",
    "classify",
    "family_for",
    "is_plain",
    "media_format",
    "needs_inspection",
    "needs_look_at_start",
    "part_of",
    "plugin_for",
]

SHOWN_LIMIT = 1_000_000
"""Bytes; a larger artifact is not shown in the summary."""

VALUE_LIMIT = 100_000
"""Bytes; larger values would fill W&B's summary, which has a limit of 10 MiB for a whole run."""

CURVE_LIMIT = 1_000_000
"""Bytes; longer lists of numbers are not shown as charts."""

JSON_LIMIT = 64_000_000
"""Bytes; a larger value stays a pickle, since nobody opens such a JSON file."""

MEMORY_FACTORS = {Form.ARRAY: 3, Form.JSON: 20}
"""Bytes of memory that loading and writing need per byte of pickle.

Measured: 2 for arrays, and 4 to 21 for values."""

MEMORY_FACTOR = 4
"""The same for all other forms; measured: 2 to 3 for tables, but 8 for columns of Python strings.
"""


@dataclass(frozen=True, slots=True)
class Classification:
    """Where an artifact goes, in which form, and what the W&B run shows of it.

    Attributes:
        kind: where the artifact goes.
        form: the form of its bytes in W&B; for a value, the form that it would have as an artifact.
        preview: what the W&B run itself shows of the artifact.
        plugin: the name of the converter, for the form PLUGIN.
    """

    kind: Kind
    form: Form = Form.PICKLE
    preview: Preview | None = None
    plugin: str | None = None


DEFAULTS = StepSettings()

_SCALARS = frozenset({"str", "int", "float", "bool", "NoneType"})
CONTAINERS = frozenset(
    {"dict", "list", "set", "tuple", "frozenset"}
    | {f"collections.{name}" for name in ("OrderedDict", "defaultdict", "Counter", "deque")}
)
_PLAIN_NAMES = frozenset(
    {f"builtins.{name}" for name in ("set", "frozenset", "complex", "bytearray", "dict", "list")}
    | {"builtins.int", "builtins.float", "builtins.str", "builtins.bool", "builtins.tuple"}
    | {f"collections.{name}" for name in ("OrderedDict", "defaultdict", "Counter", "deque")}
    | {"datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta"}
    | {"datetime.timezone", "decimal.Decimal", "uuid.UUID", "_codecs.encode", "fractions.Fraction"}
    | {f"{package}.multiarray.scalar" for package in ("numpy.core", "numpy._core")}
    | {"numpy.dtype", "builtins.range", "builtins.slice", "builtins.getattr"}
    | {"zoneinfo.ZoneInfo", "pytz._p", "pytz._UTC", "pytz.FixedOffset"}
    | {"metaflow.user_configs.config_parameters.ConfigValue"}
)
_ARRAY_NAMES = frozenset(
    {"numpy.ndarray"}
    | {
        f"{package}.{name}"
        for package in ("numpy.core", "numpy._core")
        for name in ("multiarray._reconstruct", "numeric._frombuffer")
    }
    | {"numpy.ma.core._mareconstruct", "numpy.ma.core.MaskedArray", "numpy.ma.MaskedArray"}
)
_MOMENT_NAMES = frozenset({"pandas.NA", "pandas._libs.missing.NA"}) | {
    f"pandas._libs.tslibs.{name}"
    for name in (
        "timestamps._unpickle_timestamp",
        "timedeltas._timedelta_unpickle",
        "nattype._nat_unpickle",
        "nattype.__nat_unpickle",
    )
}
_SHOWN_TYPES = frozenset(
    {"numpy.ndarray", "numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"}
    | {"pandas.Timestamp", "pandas._libs.tslibs.timestamps.Timestamp"}
    | {"pandas.Timedelta", "pandas._libs.tslibs.timedeltas.Timedelta"}
    | {"pandas.api.typing.NaTType", "pandas._libs.tslibs.nattype.NaTType"}
    | {"pandas.api.typing.NAType", "pandas._libs.missing.NAType"}
)
_READ_NAMES = _PLAIN_NAMES | _ARRAY_NAMES | _MOMENT_NAMES
_SMALLEST_FILE = {"bytes": 20, "str": 60}
"""Bytes of the pickle, by type; a smaller one holds no file."""

_IMAGES = "PIL.*"
_SPELT_OUT = frozenset({"str", "int", "float", "bool", "NoneType"})
_UNKNOWN = Family("*", Kind.OTHER)
_PATH = "pathlib.*Path"
_TENSOR = "torch._utils._rebuild_*tensor*"
LOADED = frozenset(
    {
        Form.PARQUET,
        Form.FRAMES,
        Form.ARRAY,
        Form.JSON,
        Form.PATH,
        Form.PLUGIN,
        Form.IMAGE,
        Form.MEDIA,
    }
)
"""Forms that need the loaded pickle. (The source reads the descriptor of an IncludeFile.)"""


def needs_inspection(ref: ArtifactRef) -> bool:
    """Return whether the recorded type is not enough for a decision, so `ref.names` is needed."""
    if not ref.is_pickle or ref.names is not None:
        return False
    family = family_of(ref.type)
    return family is None or family.form is Form.PATH or _depends_on_names(ref.type, family)


def needs_look_at_start(ref: ArtifactRef) -> bool:
    """Return whether the first bytes may show that bytes or a text are a whole file."""
    return (
        ref.is_pickle
        and ref.media is None
        and ref.size >= _SMALLEST_FILE.get(ref.type, ref.size + 1)
    )


def media_format(ref: ArtifactRef) -> str:
    """Return the format of an artifact that is a whole file, such as `png`; empty: it is none."""
    if ref.type == "str" and not ref.media and is_markdown_name(ref.name):
        return "md"
    return ref.media or ""


def _depends_on_names(name: str, family: Family) -> bool:
    """Return whether the names in the pickle decide if this is a value; not so for numbers."""
    return family.kind is Kind.VALUE and name not in _SPELT_OUT and not name.startswith("numpy.")


def can_be_shown(ref: ArtifactRef, classification: Classification, settings: StepSettings) -> bool:
    """Return whether the summary may also show a readable form of an artifact.

    This applies to arrays, paths, times of pandas, and for containers of these, of plain values and
    of objects of users' own classes. Nothing is shown of an artifact that is too large or that
    can't be read.
    """
    if classification.kind is Kind.VALUE or not ref.is_pickle or settings.unpickle == "never":
        return False
    if ref.size > SHOWN_LIMIT or classification.preview is Preview.IMAGES:
        return False
    family = family_of(ref.type)
    if ref.type in _SHOWN_TYPES or (family is not None and family.form is Form.PATH):
        return True
    is_other = (
        classification.kind is Kind.OTHER and classification.plugin is None and not ref.no_value
    )
    return is_other and bool(ref.names) and all(_can_be_read(name, ref) for name in ref.names or ())


def _can_be_read(name: str, ref: ArtifactRef) -> bool:
    if name in _READ_NAMES or name in ref.only_named:
        return True
    return fnmatchcase(name, _PATH) or family_of(name) is None


def can_be_value(ref: ArtifactRef) -> bool:
    """Return whether an artifact may go into the summary, by its recorded type and size."""
    family = family_of(ref.type)
    is_value = family is not None and family.kind is Kind.VALUE
    return is_value and ref.is_pickle and ref.size <= VALUE_LIMIT


def can_be_curve(ref: ArtifactRef) -> bool:
    """Return whether a value that is too large for the summary may be numbers for a chart."""
    return ref.type in {"list", "tuple"} and ref.names == () and ref.size <= CURVE_LIMIT


def classify(ref: ArtifactRef, settings: StepSettings = DEFAULTS) -> Classification:
    """Return where an artifact goes, and in which form.

    The user's settings for its type come first, then the converters of other packages, then the
    table of families. For containers, and for types that none of these know, the names in the
    pickle decide.
    """
    family = family_for(ref, settings)
    kind = _kind_by_user(ref.type, settings) or family.kind
    if kind is Kind.VALUE:
        if _fits_the_summary(ref, settings):
            return Classification(Kind.VALUE, Form.JSON)
        kind = Kind.OTHER
    if not ref.is_pickle:
        return Classification(kind, Form.STORED)
    if not _can_be_loaded(ref, family, settings):
        return Classification(kind, Form.PICKLE if family.form in LOADED else family.form)
    is_image = family.form is Form.ARRAY and _is_image_by_user(ref.type, settings)
    preview = Preview.IMAGES if is_image else family.preview
    return Classification(kind, family.form, preview, family.plugin)


def can_be_reference(
    form: Form, task: Task | None, settings: StepSettings, *, is_larger: bool
) -> bool:
    """Return whether W&B gets a reference to the bytes where Metaflow stored them.

    Args:
        form: the form that the bytes would have. Paths and included files are stored elsewhere.
        task: the task that wrote the bytes; None: the artifact is a parameter.
        settings: the settings of the step. Without a setting for references, an artifact that is
            too large to be copied becomes a reference.
        is_larger: whether the artifact is too large to be copied.
    """
    if task is None or task.datastore is None or form in {Form.PATH, Form.INCLUDE}:
        return False
    if task.datastore.type == "local" and not settings.file_references:
        return False
    return is_larger if settings.references is None else settings.references


# --- kind and family ------------------------------------------------------------------------


def family_for(ref: ArtifactRef, settings: StepSettings) -> Family:
    """Return the family of an artifact, from a converter of another package or the table."""
    own = _look_up_family(ref, settings)
    plugin = plugin_for(ref.type, settings)
    if plugin is None:
        return own
    kind = Kind(plugin.kind)
    if not plugin.safe and settings.unpickle != "trusted":
        return own._replace(kind=kind)  # the kind must not depend on whether the converter may run
    return Family(ref.type, kind, Form.PLUGIN, plugin=plugin.name)


def _look_up_family(ref: ArtifactRef, settings: StepSettings) -> Family:
    """Return the family from the table; if the type is not enough, from the names in the pickle."""
    family = family_of(ref.type)
    if media := media_format(ref):
        preview = Preview.MEDIA if media in PANELS else None
        return Family(ref.type, Kind.OTHER, Form.MEDIA, preview)
    if family is not None and family.form is Form.PATH and ref.is_relative:
        return Family(ref.type, Kind.VALUE, Form.JSON)  # its start folder is not known
    if family is None or (
        _depends_on_names(ref.type, family) and not is_plain(ref.names, settings)
    ):
        return _classify_by_content(ref, settings)
    return family


def is_plain(names: Iterable[str] | None, settings: StepSettings) -> bool:
    """Return whether a pickle refers only to parts of values."""
    return names is not None and all(
        name in _PLAIN_NAMES
        or fnmatchcase(name, _PATH)
        or _kind_by_user(name, settings) is Kind.VALUE
        for name in names
    )


def _classify_by_content(ref: ArtifactRef, settings: StepSettings) -> Family:
    """Return the family of an artifact from its content: model first, then data, then other.

    A class in the content does not count as an instance of that class.
    """
    names_used = [name for name in ref.names or () if name not in ref.only_named]
    parts = [part_of(name, settings) for name in names_used]
    kinds = {part.kind for part in parts if part.form is not Form.PATH}
    if Kind.MODEL in kinds or _is_state_dict(ref):
        return Family(ref.type, Kind.MODEL)
    if Kind.DATASET not in kinds:
        has_images = ref.type in CONTAINERS and any(
            fnmatchcase(name, _IMAGES) for name in names_used
        )
        return Family(ref.type, Kind.OTHER, preview=Preview.IMAGES if has_images else None)
    has_tables = any(part.form is Form.PARQUET for part in parts)
    form = Form.FRAMES if has_tables and ref.type in {"dict", "list"} else Form.PICKLE
    return Family(ref.type, Kind.DATASET, form)


def part_of(name: str, settings: StepSettings) -> Family:
    """Return the family of one name in a pickle, with the kind from settings or converters."""
    family = family_of(name) or _UNKNOWN
    kind = _kind_by_user(name, settings)
    plugin = plugin_for(name, settings)
    if kind is None and plugin is not None:
        kind = Kind(plugin.kind)
    return family if kind is None else family._replace(kind=kind)


def _is_state_dict(ref: ArtifactRef) -> bool:
    """Return whether this is a `state_dict()` of torch; other dicts of tensors may be data."""
    return ref.type == "collections.OrderedDict" and any(
        fnmatchcase(name, _TENSOR) for name in ref.names or ()
    )


def _kind_by_user(name: str, settings: StepSettings) -> Kind | None:
    kind = _match_first(name, settings.kinds) if settings.kinds else None
    return None if kind is None else Kind.named(kind)


def _is_image_by_user(name: str, settings: StepSettings) -> bool:
    return bool(settings.kinds) and _match_first(name, settings.kinds) == IMAGE_KIND


@lru_cache(maxsize=4096)
def _match_first(name: str, kinds: tuple[tuple[str, str], ...]) -> str | None:
    return next((kind for pattern, kind in kinds if fnmatchcase(name, pattern)), None)


def plugin_for(name: str, settings: StepSettings) -> Plugin | None:
    """Return the converter of another package that takes such a type; None: there is none."""
    fits = partial(fnmatchcase, name)
    return next((plugin for plugin in settings.plugins if any(map(fits, plugin.types))), None)


# --- what is possible for an artifact -------------------------------------------------------


def _fits_the_summary(ref: ArtifactRef, settings: StepSettings) -> bool:
    if not ref.is_pickle or ref.size > VALUE_LIMIT or ref.no_value:
        return False
    return settings.unpickle != "never" or _is_of_opcodes_alone(ref)


def _is_of_opcodes_alone(ref: ArtifactRef) -> bool:
    """Return whether the opcodes of a pickle contain the whole value, without names to import."""
    return ref.type in _SCALARS or ref.names == ()


def _can_be_loaded(ref: ArtifactRef, family: Family, settings: StepSettings) -> bool:
    if settings.unpickle == "never" or (family.needs_trust and settings.unpickle != "trusted"):
        return False
    if family.form is Form.JSON and ref.size > JSON_LIMIT:
        return False
    return ref.size * MEMORY_FACTORS.get(family.form, MEMORY_FACTOR) <= settings.max_memory
