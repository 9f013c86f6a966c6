"""What an artifact is for W&B, told from the facts that Metaflow recorded of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mfwb.planning.plan import Form
from mfwb.snapshot import ArtifactRef

__all__ = ["VALUE_LIMIT", "Kind", "Verdict", "classify", "wants_a_look"]

VALUE_LIMIT = 1_000_000
"""Bytes; a larger value would crowd out W&B's summary, which ends at 10 MiB for a whole run."""

LOOK_LIMIT = 64_000_000
"""Bytes; of a larger artifact the names in its pickle are not looked up."""


class Kind(str, Enum):
    """Where an artifact goes. All but VALUE are the types of W&B artifacts."""

    VALUE = "value"  # summary, charts, table of tasks
    DATASET = "dataset"
    MODEL = "model"
    OTHER = "other"

    @property
    def switch(self) -> str:
        """The setting that turns it on and off."""
        return f"{self.value}s"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where an artifact goes, and in which form."""

    kind: Kind
    form: Form


_SCALARS = frozenset({"str", "int", "float", "bool", "NoneType"})
_CONTAINERS = frozenset(
    {"dict", "list", "set", "tuple", "frozenset"}
    | {f"collections.{name}" for name in ("OrderedDict", "defaultdict", "Counter", "deque")}
)
_NUMPY_SCALARS = frozenset(
    {f"numpy.{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
    | {"numpy.float16", "numpy.float32", "numpy.float64", "numpy.bool", "numpy.bool_"}
)
_FRAMES = frozenset({"pandas.DataFrame", "pandas.core.frame.DataFrame"})
_PATHS = frozenset(
    f"{module}.{name}"
    for module in ("pathlib", "pathlib._local")
    for name in ("Path", "PosixPath", "WindowsPath")
)
_DATASETS = {
    **dict.fromkeys(_FRAMES, Form.PARQUET),
    **dict.fromkeys(_PATHS, Form.PATH),
    "metaflow.includefile.IncludedFile": Form.INCLUDE,
}
_MODEL_FAMILIES = (
    "sklearn.",
    "imblearn.",
    "xgboost.",
    "lightgbm.",
    "catboost.",
    "torch.nn.",
    "torchvision.models.",
    "keras.",
    "tensorflow.keras.",
    "flax.",
    "transformers.",
    "sentence_transformers.",
)
_NOT_MODELS = ("sklearn.utils.", "sklearn.datasets.")
_MODEL_PARTS = ("torch.nn.", "torch._utils._rebuild_parameter")
"""A class of the user's own whose pickle refers to one of these holds a torch module."""

_PLAIN_NAMES = frozenset(
    {f"builtins.{name}" for name in ("set", "frozenset", "complex", "bytearray", "dict", "list")}
    | {"builtins.int", "builtins.float", "builtins.str", "builtins.bool", "builtins.tuple"}
    | {f"collections.{name}" for name in ("OrderedDict", "defaultdict", "Counter", "deque")}
    | {"datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta"}
    | {"datetime.timezone", "decimal.Decimal", "uuid.UUID", "_codecs.encode", "fractions.Fraction"}
    | {f"{package}.multiarray.scalar" for package in ("numpy.core", "numpy._core")}
    | {"numpy.dtype"}
)


def wants_a_look(ref: ArtifactRef) -> bool:
    """Whether the recorded type does not say enough, so that `ref.names` is needed."""
    if not ref.is_pickle or ref.names is not None or ref.size > LOOK_LIMIT:
        return False
    if ref.type in _CONTAINERS:
        return True
    return _by_type(ref) is None


def classify(ref: ArtifactRef) -> Verdict:
    """Return where an artifact goes; of types that are not known, `ref.names` decides."""
    if not ref.is_pickle:
        return Verdict(Kind.OTHER, Form.PICKLE)
    if ref.type in _CONTAINERS:
        return _container(ref)
    known = _by_type(ref)
    if known is not None:
        return known
    if any(name.startswith(_MODEL_PARTS) for name in ref.names or ()):
        return Verdict(Kind.MODEL, Form.PICKLE)
    return Verdict(Kind.OTHER, Form.PICKLE)


def _by_type(ref: ArtifactRef) -> Verdict | None:
    if ref.type in _SCALARS or ref.type in _NUMPY_SCALARS:
        kind = Kind.VALUE if ref.size <= VALUE_LIMIT else Kind.OTHER
        return Verdict(kind, Form.PICKLE)
    if ref.type in _DATASETS:
        return Verdict(Kind.DATASET, _DATASETS[ref.type])
    if ref.type.startswith(_MODEL_FAMILIES) and not ref.type.startswith(_NOT_MODELS):
        return Verdict(Kind.MODEL, Form.PICKLE)
    if ref.type.split(".")[0] in {"numpy", "pandas", "scipy", "builtins", "datetime"}:
        return Verdict(Kind.OTHER, Form.PICKLE)
    return None


def _container(ref: ArtifactRef) -> Verdict:
    foreign = {"?"} if ref.names is None else set(ref.names) - _PLAIN_NAMES
    if not foreign and ref.size <= VALUE_LIMIT:
        return Verdict(Kind.VALUE, Form.PICKLE)
    if foreign & _FRAMES and ref.type in {"dict", "list"}:
        return Verdict(Kind.DATASET, Form.FRAMES)
    return Verdict(Kind.OTHER, Form.PICKLE)
