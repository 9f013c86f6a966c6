"""The form of an artifact in W&B, by the tables of docs/mapping.md, "Artifacts by type".

These tables do not decide everything: an object of a model's library may be a model or one of its
configurations. Then an artifact has more than one possible kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal

from mfwb.config import StepSettings
from mfwb.verification.expected.checkpoint_reference import Reference, to_reference
from mfwb.verification.expected.facts import HeldArtifact
from mfwb.verification.expected.file_endings import MARKDOWN_NAME
from mfwb.verification.expected.value_reader import PickledValue

__all__ = ["KINDS", "ExpectedForm", "Shape", "find_form", "find_reference", "is_part_of_values"]

Shape = Literal[
    "value",
    "json",
    "parquet",
    "tables",
    "container",
    "npy",
    "path",
    "include",
    "pickle",
    "stored",
    "checkpoint",
    "media",
    "image",
]
KINDS = ("dataset", "model", "other")

_MAX_VALUE = 100_000  # bytes of pickle
_MAX_JSON = 64_000_000  # bytes of pickle
_MAX_SHOWN = 1_000_000  # bytes of pickle
_CHARACTERS, _CHARACTERS_PER_BYTE = 1_000_000, 20

_SCALARS = frozenset({"str", "int", "float", "bool", "NoneType"})
_CONTAINERS = frozenset(
    {"dict", "list", "set", "tuple", "frozenset"}
    | {f"collections.{name}" for name in ("OrderedDict", "defaultdict", "Counter", "deque")}
)
_OTHER_VALUES = (
    *("numpy.int*", "numpy.uint*", "numpy.float*", "numpy.bool*", "numpy.str_", "numpy.complex*"),
    *("numpy.longdouble", "numpy.datetime64", "numpy.timedelta64"),
    *("datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta"),
    *("decimal.Decimal", "fractions.Fraction", "uuid.UUID", "complex", "range", "slice"),
    *("metaflow.*.ConfigValue", "pathlib.Pure*Path"),
)
_PARTS_OF_VALUES = (
    *("builtins.set", "builtins.frozenset", "builtins.complex", "builtins.bytearray"),
    *("builtins.dict", "builtins.list", "builtins.int", "builtins.float", "builtins.str"),
    *("builtins.bool", "builtins.tuple", "builtins.range", "builtins.slice", "builtins.getattr"),
    *("collections.OrderedDict", "collections.defaultdict", "collections.Counter"),
    *("collections.deque", "datetime.*", "decimal.Decimal", "uuid.UUID", "fractions.Fraction"),
    *("_codecs.encode", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"),
    *("numpy.dtype", "zoneinfo.ZoneInfo", "pytz._p", "pytz._UTC", "pytz.FixedOffset"),
    *("metaflow.user_configs.config_parameters.ConfigValue", "pathlib.*Path"),
)
_TABLES = (
    *("pandas.DataFrame", "pandas.core.frame.DataFrame"),
    *("pandas.Series", "pandas.core.series.Series", "pandas.*Index"),
    *("polars.dataframe.*", "polars.series.*", "pyarrow.lib.Table", "pyarrow.lib.RecordBatch"),
    *("pyarrow.lib._reconstruct_table", "pyarrow.lib._reconstruct_record_batch"),
)
_DATA = (
    *("datasets.arrow_dataset.*", "datasets.dataset_dict.*", "datasets.iterable_dataset.*"),
    *("polars.lazyframe.*", "geopandas.*Frame", "geopandas.*Series", "xarray.core.data*"),
    *("torch.utils.data.*", "torch_geometric.data.*", "xgboost.*DMatrix"),
    *("lightgbm.basic.Dataset", "catboost.core.Pool"),
)
_MODELS = (
    *("sklearn", "imblearn", "xgboost", "lightgbm", "catboost", "category_encoders", "hdbscan"),
    *("umap", "statsmodels", "pmdarima", "prophet", "fbprophet", "torch", "torchvision", "timm"),
    *("torchaudio", "torch_geometric", "fastai", "skorch", "keras", "tensorflow", "tf_keras"),
    *("flax", "equinox", "haiku", "onnx", "transformers", "tokenizers", "sentence_transformers"),
    *("peft", "diffusers", "spacy", "thinc", "gensim", "pytorch_lightning", "lightning", "jax"),
    *("jaxlib", "optax", "onnxruntime", "sklearn_crfsuite", "mlxtend"),
)
_CERTAIN_MODELS = (
    *("sklearn.linear_model.*", "sklearn.ensemble.*", "sklearn.tree.*", "sklearn.svm.*"),
    *("sklearn.pipeline.*", "sklearn.preprocessing.*", "sklearn.cluster.*", "sklearn.neighbors.*"),
    *("sklearn.naive_bayes.*", "sklearn.neural_network.*", "torch.nn.modules.linear.*"),
    *("torch.nn.modules.container.*", "torch.nn.modules.conv.*"),
)
_CERTAIN_OTHERS = (
    *("numpy.*", "scipy.*", "PIL.*", "matplotlib.*", "plotly.*", "datetime.*", "decimal.*"),
    *("uuid.*", "bytes", "bytearray", "pandas.*", "pyarrow.*", "polars.*"),
    *("torch._tensor.*", "torch.Tensor", "torch.storage.*", "torch._utils._rebuild_tensor*"),
    *("torch.FloatStorage", "torch.LongStorage", "torch.optim.*", "sklearn.metrics.*"),
    *("sklearn.model_selection._split.*",),
)
_ARRAYS = frozenset({"numpy.ndarray"})
_IMAGES = ("PIL.Image.Image", "PIL.*ImagePlugin.*")
_READABLE_ARRAYS = (
    *("numpy.ndarray", "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"),
    *("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer", "numpy.ma.*"),
    *("pandas.NA", "pandas._libs.missing.NA", "pandas._libs.tslibs.*"),
)
_SHOWN_TYPES = (
    *("numpy.ndarray", "numpy.ma.*MaskedArray", "pandas.Timestamp", "pandas.Timedelta"),
    *("pandas._libs.tslibs.*", "pandas.api.typing.*", "pandas._libs.missing.*"),
    *("pathlib.*Path",),
)


@dataclass(frozen=True, slots=True)
class ExpectedForm:
    """The form in which W&B should have an artifact.

    Attributes:
        kinds: the possible types of its W&B artifact; empty for a value.
        shape: the form of its file; `value` for what only the summary has.
        shown: whether the summary has it, too; None: perhaps.
        ending: of its file, for `media`.
        is_image: whether the settings say that it is an image.
        has_images: whether it is a list or dict with images of Pillow.
    """

    kinds: tuple[str, ...]
    shape: Shape
    shown: bool | None = False
    ending: str | None = None
    is_image: bool = False
    has_images: bool = False

    @property
    def is_value(self) -> bool:
        """Whether only the summary has it."""
        return self.shape == "value"


def find_form(
    artifact: HeldArtifact, value: PickledValue, settings: StepSettings, flow: str = ""
) -> ExpectedForm:
    """Return the form of an artifact, by its recorded type, and by the names in its pickle."""
    kind = _set_by_user(artifact.type, settings)
    plugin = next(
        (
            plugin
            for plugin in settings.plugins
            if any(fnmatchcase(artifact.type, t) for t in plugin.types)
        ),
        None,
    )
    reference = find_reference(artifact, value, flow) if kind != "value" else None
    if reference is not None:
        return ExpectedForm((kind or "model",), "checkpoint", shown=bool(reference.metadata))
    if kind == "value":
        return _value_or_json(artifact, value, settings)
    is_image = kind == "image"
    kind = "other" if is_image else kind
    if plugin is None and (ending := _ending(artifact, value, settings)):
        return ExpectedForm((kind or "other",), "media", ending=ending)
    if kind is None and plugin is None and _is_value(artifact, value, settings):
        return _value_or_json(artifact, value, settings)
    if kind is None and plugin is not None:
        kind = plugin.kind
    if not artifact.is_pickle:
        kinds = (kind,) if kind else _kinds_by_name(artifact.type)
        return ExpectedForm(("other",) if _is_value_type(artifact.type) else kinds, "stored")
    shape = _shape(artifact, value)
    kinds = (kind,) if kind else _kinds(artifact, value, settings)
    has_images = _has_images(artifact, value, kinds)
    is_shown = _is_shown(artifact, value, kinds, settings)
    hides_value = (is_image and shape == "npy") or has_images
    return ExpectedForm(
        kinds,
        shape,
        False if hides_value else is_shown,
        is_image=is_image,
        has_images=has_images,
    )


def _has_images(artifact: HeldArtifact, value: PickledValue, kinds: tuple[str, ...]) -> bool:
    is_of_images = any(name.startswith("PIL.") for name in _used(value))
    return artifact.type in _CONTAINERS and kinds == ("other",) and is_of_images


def _ending(artifact: HeldArtifact, value: PickledValue, settings: StepSettings) -> str | None:
    """Return the ending of the file that an artifact is; None if it is none."""
    smallest = {"bytes": 20, "str": 60}.get(artifact.type)
    fits = settings.unpickle != "never" and artifact.size * 4 <= settings.max_memory
    if smallest is None or not artifact.is_pickle or not fits:
        return None
    ending = value.ending if artifact.size >= smallest else None
    is_markdown = artifact.type == "str" and MARKDOWN_NAME.fullmatch(artifact.name)
    return ending or ("md" if is_markdown else None)


def find_reference(artifact: HeldArtifact, value: PickledValue, flow: str) -> Reference | None:
    """Return what an artifact refers to, if it refers to a checkpoint or model of this flow."""
    is_dict = artifact.type == "dict" and artifact.is_pickle
    return to_reference(value.json_value, flow) if is_dict else None


def _set_by_user(name: str, settings: StepSettings) -> str | None:
    return next((kind for pattern, kind in settings.kinds if fnmatchcase(name, pattern)), None)


@lru_cache(maxsize=4096)
def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _is_value_type(name: str) -> bool:
    return name in _SCALARS or name in _CONTAINERS or _matches(name, _OTHER_VALUES)


def _is_value(artifact: HeldArtifact, value: PickledValue, settings: StepSettings) -> bool:
    """Whether it is a plain value, whatever its size."""
    if artifact.type in _SCALARS or artifact.type.startswith("numpy.int"):
        return True
    is_path = _matches(artifact.type, ("pathlib.*Path",))
    if is_path and not artifact.type.startswith("pathlib.Pure"):
        return isinstance(value.json_value, str) and not _is_absolute(value.json_value)
    if not _is_value_type(artifact.type):
        return False
    if value.names is None:  # it was not read, so it is not known what a container holds
        return artifact.type not in _CONTAINERS
    return all(
        is_part_of_values(name) or _set_by_user(name, settings) == "value" for name in value.names
    )


def is_part_of_values(name: str) -> bool:
    """Return whether a plain value may refer to a name, whatever the settings say."""
    return _matches(name, _PARTS_OF_VALUES)


def _is_absolute(path: str) -> bool:
    return path.startswith(("/", "\\")) or path[1:2] == ":" or "://" in path or ":/" in path


def _value_or_json(
    artifact: HeldArtifact, value: PickledValue, settings: StepSettings
) -> ExpectedForm:
    """Return the form of a plain value: a file, if it is too large for the summary."""
    if not artifact.is_pickle:
        return ExpectedForm(("other",), "stored")
    is_plain = artifact.type in _SCALARS or value.names == frozenset()
    limit = _CHARACTERS + _CHARACTERS_PER_BYTE * artifact.size
    fits = artifact.size <= _MAX_VALUE and (value.size is None or value.size <= limit)
    if fits and (settings.unpickle != "never" or is_plain) and value.is_known:
        return ExpectedForm((), "value")
    if settings.unpickle == "never" or artifact.size > _MAX_JSON:
        return ExpectedForm(("other",), "pickle")
    if fits and value.names is None:  # it was not read: it is a value, or can't be one
        return ExpectedForm(("other",), "json", shown=None)
    return ExpectedForm(("other",), "json")


def _shape(  # noqa: PLR0911 - a rule for each form
    artifact: HeldArtifact, value: PickledValue
) -> Shape:
    if artifact.type == "metaflow.includefile.IncludedFile":
        return "include"
    if _matches(artifact.type, ("pathlib.*Path",)):
        return "path"
    if _matches(artifact.type, _TABLES):
        return "parquet"
    if artifact.type in {"dict", "list"} and _has(value, _TABLES) and not _may_be_model(value):
        return "tables"
    if artifact.type in _ARRAYS:
        return "npy"
    if _matches(artifact.type, _IMAGES):
        return "image"
    if artifact.type in _CONTAINERS and value.names is None:
        return "container"  # it was not read: plain values, tables, or something else
    return "pickle"


def _used(value: PickledValue) -> Iterable[str]:
    return (value.names or frozenset()) - value.only_named


def _has(value: PickledValue, patterns: tuple[str, ...]) -> bool:
    return any(_matches(name, patterns) for name in _used(value))


def _is_of_a_model_library(name: str) -> bool:
    return name.partition(".")[0] in _MODELS


def _may_be_model(value: PickledValue) -> bool:
    return any("model" in _kinds_by_name(name) for name in _used(value))


@lru_cache(maxsize=4096)
def _kinds_by_name(name: str) -> tuple[str, ...]:
    """Return the possible kinds of one name: of an artifact's type, or in its pickle."""
    if _matches(name, _TABLES) or _matches(name, _DATA):
        return ("dataset",)
    if _matches(name, _CERTAIN_MODELS):
        return ("model",)
    if _matches(name, _CERTAIN_OTHERS):
        return ("other",)
    if _is_of_a_model_library(name):
        return ("model", "other")
    return ("other",)


def _kinds(  # noqa: PLR0911 - a rule for each case
    artifact: HeldArtifact, value: PickledValue, settings: StepSettings
) -> tuple[str, ...]:
    if artifact.type == "metaflow.includefile.IncludedFile":
        return ("dataset",)
    if _matches(artifact.type, ("pathlib.*Path",)):
        return ("dataset",)
    is_known_type = (
        _matches(artifact.type, _TABLES)
        or _matches(artifact.type, _DATA)
        or _matches(artifact.type, _CERTAIN_OTHERS)
        or _is_of_a_model_library(artifact.type)
    )
    if is_known_type:
        return _kinds_by_name(artifact.type)
    if value.names is None:
        return KINDS  # its pickle was not read, or can't be
    kinds_of_names = [
        (kind,) if (kind := _set_by_user(name, settings)) else _kinds_by_name(name)
        for name in _used(value)
    ]
    if ("model",) in kinds_of_names:
        return ("model",)
    has_data = ("dataset",) in kinds_of_names
    if any("model" in kinds for kinds in kinds_of_names) or _is_state_dict(artifact, value):
        return ("model", "dataset") if has_data else ("model", "other")
    return ("dataset",) if has_data else ("other",)


def _is_state_dict(artifact: HeldArtifact, value: PickledValue) -> bool:
    return artifact.type == "collections.OrderedDict" and any(
        name.startswith("torch._utils._rebuild") for name in value.names or ()
    )


def _is_shown(
    artifact: HeldArtifact, value: PickledValue, kinds: tuple[str, ...], settings: StepSettings
) -> bool | None:
    """Return whether the summary says something of it; None if these rules leave that open."""
    if settings.unpickle == "never" or artifact.size > _MAX_SHOWN:
        return False
    if not value.is_known:
        return None if value.names is None or kinds == ("other",) else False
    if _matches(artifact.type, _SHOWN_TYPES):
        return True
    if kinds != ("other",) or not value.names:
        return None if "other" in kinds and value.names else False
    readable = all(
        _matches(name, _PARTS_OF_VALUES)
        or _matches(name, _READABLE_ARRAYS)
        or name in value.only_named
        or not (_matches(name, _CERTAIN_OTHERS) or _is_of_a_model_library(name))
        for name in value.names
    )
    return None if readable else False
