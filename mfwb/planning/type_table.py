"""Table of types and their kinds. It is read from the top; the first pattern that matches applies.

Types have their qualified names, as Metaflow records them and as pickles refer to them; `*` matches
anything, dots included. So exceptions are listed above the rule of their library.

An object that predicts or transforms is a model: also a scaler, a tokenizer, a pipeline. Data with
rows are a dataset. Bare numbers (arrays, tensors) are neither, and the same applies to
configurations, optimizers, losses, metrics and the results of a model.
"""

from __future__ import annotations

from enum import Enum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

from mfwb.planning.plan import Form, Preview

__all__ = ["FAMILIES", "IMAGE_KIND", "Family", "Kind", "family_of"]


IMAGE_KIND = "image"
"""The name in `[kinds]` for arrays that are pictures."""


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

    @classmethod
    def named(cls, name: str) -> Kind:
        """Return the kind that a name in `[kinds]` stands for: images are of the kind OTHER."""
        return cls.OTHER if name == IMAGE_KIND else cls(name)


class Family(NamedTuple):
    """Types of one kind.

    Attributes:
        pattern: a pattern of qualified names, as in `torch.nn.*`.
        kind: where artifacts of these types go.
        form: the form of their bytes in W&B; for a value, the form that it has in an artifact.
        preview: what the W&B run itself shows of them.
        needs_trust: whether the preview needs the pickle loaded with all its imports, which
            `--unpickle trusted` allows.
        plugin: the name of the converter, for the form PLUGIN.
    """

    pattern: str
    kind: Kind
    form: Form = Form.PICKLE
    preview: Preview | None = None
    needs_trust: bool = False
    plugin: str | None = None


VALUE, DATASET, MODEL, OTHER = Kind
JSON, PARQUET, TABLE = Form.JSON, Form.PARQUET, Preview.TABLE

FAMILIES = (
    # --- values of Python and numpy; the pickles of containers show what they hold ---------------
    Family("str", VALUE, JSON),
    Family("int", VALUE, JSON),
    Family("float", VALUE, JSON),
    Family("bool", VALUE, JSON),
    Family("NoneType", VALUE, JSON),
    Family("dict", VALUE, JSON),
    Family("list", VALUE, JSON),
    Family("set", VALUE, JSON),
    Family("tuple", VALUE, JSON),
    Family("frozenset", VALUE, JSON),
    Family("collections.OrderedDict", VALUE, JSON),
    Family("collections.defaultdict", VALUE, JSON),
    Family("collections.Counter", VALUE, JSON),
    Family("collections.deque", VALUE, JSON),
    Family("numpy.int*", VALUE, JSON),
    Family("numpy.uint*", VALUE, JSON),
    Family("numpy.float16", VALUE, JSON),
    Family("numpy.float32", VALUE, JSON),
    Family("numpy.float64", VALUE, JSON),
    Family("numpy.bool", VALUE, JSON),
    Family("numpy.bool_", VALUE, JSON),
    Family("numpy.str_", VALUE, JSON),
    Family("numpy.complex*", VALUE, JSON),
    Family("numpy.longdouble", VALUE, JSON),
    Family("numpy.datetime64", VALUE, JSON),
    Family("numpy.timedelta64", VALUE, JSON),
    *(
        Family(f"datetime.{name}", VALUE, JSON)
        for name in ("date", "datetime", "time", "timedelta")
    ),
    Family("decimal.Decimal", VALUE, JSON),
    Family("fractions.Fraction", VALUE, JSON),
    Family("uuid.UUID", VALUE, JSON),
    Family("complex", VALUE, JSON),
    Family("range", VALUE, JSON),
    Family("slice", VALUE, JSON),
    Family("metaflow.*.ConfigValue", VALUE, JSON),
    Family("pathlib.Pure*Path", VALUE, JSON),  # never a file
    # --- tables, with the functions that pickles use to make them --------------------------------
    Family("pandas.DataFrame", DATASET, PARQUET, TABLE),
    Family("pandas.core.frame.DataFrame", DATASET, PARQUET, TABLE),
    Family("pandas.Series", DATASET, PARQUET, TABLE),
    Family("pandas.core.series.Series", DATASET, PARQUET, TABLE),
    Family("pandas.*Index", DATASET, PARQUET, TABLE),
    Family("polars.dataframe.*", DATASET, PARQUET, TABLE),
    Family("polars.series.*", DATASET, PARQUET, TABLE),
    Family("polars.lazyframe.*", DATASET),
    Family("pyarrow.lib.Table", DATASET, PARQUET, TABLE),
    Family("pyarrow.lib._reconstruct_table", DATASET, PARQUET, TABLE),
    Family("pyarrow.lib.RecordBatch", DATASET, PARQUET, TABLE),
    Family("pyarrow.lib._reconstruct_record_batch", DATASET, PARQUET, TABLE),
    # --- other data ------------------------------------------------------------------------------
    Family("metaflow.includefile.IncludedFile", DATASET, Form.INCLUDE),
    Family("pathlib.*Path", DATASET, Form.PATH),
    Family("datasets.arrow_dataset.*", DATASET),
    Family("datasets.dataset_dict.*", DATASET),
    Family("datasets.iterable_dataset.*", DATASET),
    Family("geopandas.*Frame", DATASET),
    Family("geopandas.*Series", DATASET),
    Family("xarray.core.data*", DATASET),
    Family("torch.utils.data.*", DATASET),
    Family("torch_geometric.data.*", DATASET),
    Family("xgboost.*DMatrix", DATASET),
    Family("lightgbm.basic.Dataset", DATASET),
    Family("catboost.core.Pool", DATASET),
    # --- scikit-learn and kin --------------------------------------------------------------------
    Family("sklearn.utils.*", OTHER),
    Family("sklearn.datasets.*", OTHER),
    Family("sklearn.metrics.*", OTHER),
    Family("sklearn.inspection.*", OTHER),
    Family("sklearn.model_selection._split.*", OTHER),
    Family("sklearn.*", MODEL),
    Family("imblearn.metrics.*", OTHER),
    Family("imblearn.*", MODEL),
    Family("xgboost.callback.*", OTHER),
    Family("xgboost.*", MODEL),
    Family("lightgbm.callback.*", OTHER),
    Family("lightgbm.*", MODEL),
    Family("catboost.*", MODEL),
    Family("category_encoders.*", MODEL),
    Family("hdbscan.*", MODEL),
    Family("umap.umap_.*", MODEL),
    Family("statsmodels.iolib.*", OTHER),
    Family("statsmodels.datasets.*", OTHER),
    Family("statsmodels.*", MODEL),
    Family("pmdarima.*", MODEL),
    Family("prophet.forecaster.*", MODEL),
    Family("fbprophet.forecaster.*", MODEL),
    # --- torch -----------------------------------------------------------------------------------
    Family("torch.nn.functional.*", OTHER),
    Family("torch.nn.init.*", OTHER),
    Family("torch.nn.modules.loss.*", OTHER),
    Family("torch.nn.*", MODEL),
    Family("torch.ao.nn.*", MODEL),
    Family("torch.jit.*", MODEL),
    Family("torch.fx.graph_module.*", MODEL),
    Family("torch._dynamo.eval_frame.*", MODEL),
    Family("torch._utils._rebuild_parameter*", MODEL),  # only modules hold parameters
    Family("torch.*", OTHER),
    Family("torchvision.models.*", MODEL),
    Family("torchaudio.models.*", MODEL),
    Family("torch_geometric.nn.*", MODEL),
    Family("timm.models.*", MODEL),
    Family("fastai.learner.*", MODEL),
    Family("skorch.*", MODEL),
    # --- keras and tensorflow --------------------------------------------------------------------
    *(
        Family(f"{keras}.*{part}.*", OTHER)
        for keras in ("keras", "tf_keras", "tensorflow.*keras")
        for part in ("callbacks", "datasets", "losses", "metrics", "optimizers", "utils")
    ),
    Family("keras.*", MODEL),
    Family("tf_keras.*", MODEL),
    Family("tensorflow.*keras.*", MODEL),
    Family("tensorflow.python.saved_model.*", MODEL),
    Family("tensorflow.python.data.*", DATASET),
    Family("tensorflow.*", OTHER),
    # --- jax -------------------------------------------------------------------------------------
    Family("flax.*", MODEL),
    Family("equinox.*", MODEL),
    Family("haiku.*", MODEL),
    Family("optax.*", OTHER),
    Family("jax.*", OTHER),
    Family("jaxlib.*", OTHER),
    # --- exchange and language -------------------------------------------------------------------
    Family("onnx.*ModelProto", MODEL),
    Family("onnx.*", OTHER),
    Family("transformers.*Config", OTHER),
    Family("transformers.modeling_outputs.*", OTHER),
    Family("transformers.generation.*Output", OTHER),
    Family("transformers.*.BatchEncoding", OTHER),
    Family("transformers.*.BatchFeature", OTHER),
    Family("transformers.trainer_callback.*", OTHER),
    Family("transformers.trainer_utils.*", OTHER),
    Family("transformers.training_args*", OTHER),
    Family("transformers.utils.*", OTHER),
    Family("transformers.*", MODEL),
    Family("transformers_modules.*Config", OTHER),
    Family("transformers_modules.*", MODEL),
    Family("tokenizers.*", MODEL),
    Family("sentence_transformers.*datasets.*", OTHER),
    Family("sentence_transformers.*evaluation.*", OTHER),
    Family("sentence_transformers.*losses.*", OTHER),
    Family("sentence_transformers.*readers.*", OTHER),
    Family("sentence_transformers.*training_args*", OTHER),
    Family("sentence_transformers.*", MODEL),
    Family("peft.*Config", OTHER),
    Family("peft.*", MODEL),
    Family("diffusers.schedulers.*", OTHER),
    Family("diffusers.*Output", OTHER),
    Family("diffusers.*", MODEL),
    Family("spacy.tokens.*", OTHER),
    Family("spacy.training.*", OTHER),
    Family("spacy.*", MODEL),
    Family("thinc.model.*", MODEL),
    Family("gensim.models.*", MODEL),
    # --- pictures --------------------------------------------------------------------------------
    Family("PIL.Image.Image", OTHER, Form.IMAGE, Preview.IMAGE),
    Family("PIL.*ImagePlugin.*", OTHER, Form.IMAGE, Preview.IMAGE),
    Family("matplotlib.figure.*", OTHER, preview=Preview.IMAGE, needs_trust=True),
    Family("plotly.graph_objs._figure.*", OTHER, preview=Preview.FIGURE),
    Family("plotly.graph_objs._figurewidget.*", OTHER, preview=Preview.FIGURE),
    # --- types that are known to be none of these ------------------------------------------------
    Family("numpy.ndarray", OTHER, Form.ARRAY, Preview.CHART),
    *(
        Family(pattern, OTHER)
        for pattern in (
            *("numpy.*", "pandas.*", "scipy.*", "polars.*", "pyarrow.*"),
            *("datasets.features.*", "PIL.*", "matplotlib.*", "plotly.*"),
            *("bytes", "bytearray", "datetime.*", "decimal.*", "uuid.*"),
        )
    ),
)


@lru_cache(maxsize=4096)
def family_of(name: str) -> Family | None:
    """Return the first family that a qualified name belongs to; None if the table has none."""
    return next((family for family in FAMILIES if _matches(name, family.pattern)), None)


def _matches(name: str, pattern: str) -> bool:
    # As fnmatchcase says, which compiles each pattern: 13 ms of a process for this table.
    start, star, rest = pattern.partition("*")
    if not star:
        return name == pattern
    return name.startswith(start) and (not rest or fnmatchcase(name, pattern))
