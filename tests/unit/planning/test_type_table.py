"""The table of families: real names of real libraries, as Metaflow records them."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest

from mfwb.planning import Form, Preview
from mfwb.planning.type_table import FAMILIES, Kind, family_of

VALUES = """
    str int float bool NoneType dict list set tuple frozenset
    collections.OrderedDict collections.defaultdict collections.Counter collections.deque
    numpy.int8 numpy.int64 numpy.uint32 numpy.float16 numpy.float32 numpy.float64
    numpy.bool numpy.bool_ numpy.str_ numpy.datetime64 complex range slice
    datetime.datetime decimal.Decimal uuid.UUID fractions.Fraction pathlib.PurePosixPath
    metaflow.user_configs.config_parameters.ConfigValue
"""
TABLES = """
    pandas.DataFrame pandas.core.frame.DataFrame pandas.Series pandas.core.series.Series
    pandas.Index pandas.RangeIndex pandas.MultiIndex pandas.DatetimeIndex
    pandas.core.indexes.base.Index pandas.core.indexes.range.RangeIndex
    pandas.core.indexes.category.CategoricalIndex pandas.core.indexes.interval.IntervalIndex
    polars.dataframe.frame.DataFrame polars.series.series.Series
    pyarrow.lib.Table pyarrow.lib.RecordBatch
"""
DATASETS = """
    polars.lazyframe.frame.LazyFrame geopandas.geodataframe.GeoDataFrame
    geopandas.geoseries.GeoSeries xarray.core.dataset.Dataset xarray.core.dataarray.DataArray
    datasets.arrow_dataset.Dataset datasets.dataset_dict.DatasetDict
    datasets.iterable_dataset.IterableDataset torch.utils.data.dataset.TensorDataset
    torch.utils.data.dataset.Subset torch_geometric.data.data.Data
    xgboost.core.DMatrix xgboost.core.QuantileDMatrix lightgbm.basic.Dataset catboost.core.Pool
    tensorflow.python.data.ops.from_tensors_op._TensorDataset
"""
MODELS = """
    sklearn.linear_model._logistic.LogisticRegression sklearn.pipeline.Pipeline
    sklearn.preprocessing._data.StandardScaler sklearn.feature_extraction.text.TfidfVectorizer
    sklearn.model_selection._search.GridSearchCV sklearn.ensemble._forest.RandomForestClassifier
    sklearn.tree._tree.Tree imblearn.pipeline.Pipeline imblearn.over_sampling._smote.base.SMOTE
    xgboost.core.Booster xgboost.sklearn.XGBClassifier
    lightgbm.basic.Booster lightgbm.sklearn.LGBMClassifier
    catboost.core.CatBoostClassifier category_encoders.target_encoder.TargetEncoder
    hdbscan.hdbscan_.HDBSCAN umap.umap_.UMAP
    statsmodels.regression.linear_model.RegressionResultsWrapper
    statsmodels.tsa.arima.model.ARIMAResultsWrapper pmdarima.arima.arima.ARIMA
    prophet.forecaster.Prophet fbprophet.forecaster.Prophet
    torch.nn.modules.linear.Linear torch.nn.modules.container.Sequential
    torch.nn.parameter.Parameter torch.nn.parallel.data_parallel.DataParallel
    torch.jit._script.RecursiveScriptModule torch.ao.nn.quantized.modules.linear.Linear
    torch.fx.graph_module.GraphModule.__new__.<locals>.GraphModuleImpl
    torch._dynamo.eval_frame.OptimizedModule torchvision.models.resnet.ResNet
    torchaudio.models.conformer.Conformer torch_geometric.nn.models.basic_gnn.GCN
    timm.models.vision_transformer.VisionTransformer fastai.learner.Learner
    skorch.classifier.NeuralNetClassifier
    keras.src.models.sequential.Sequential keras.src.models.functional.Functional
    keras.src.engine.sequential.Sequential keras.engine.functional.Functional
    keras.src.layers.core.dense.Dense tf_keras.src.engine.sequential.Sequential
    tensorflow.python.keras.engine.sequential.Sequential tensorflow.keras.Model
    tensorflow.python.saved_model.load.Loader._recreate_base_user_object.<locals>._UserObject
    flax.core.frozen_dict.FrozenDict flax.training.train_state.TrainState
    flax.linen.linear.Dense flax.nnx.statelib.State flax.nnx.nn.linear.Linear
    equinox.nn._linear.Linear equinox.nn._mlp.MLP haiku._src.data_structures.FlatMapping
    onnx.onnx_ml_pb2.ModelProto onnx.onnx_pb2.ModelProto
    transformers.models.bert.modeling_bert.BertModel
    transformers.models.bert.modeling_bert.BertForSequenceClassification
    transformers.models.bert.tokenization_bert.BertTokenizer
    transformers.models.bert.tokenization_bert_fast.BertTokenizerFast
    transformers.tokenization_utils_fast.PreTrainedTokenizerFast
    transformers.models.clip.processing_clip.CLIPProcessor
    transformers.pipelines.text_classification.TextClassificationPipeline
    transformers_modules.tiny.modeling_tiny.TinyModel tokenizers.Tokenizer
    sentence_transformers.SentenceTransformer.SentenceTransformer
    sentence_transformers.sentence_transformer.model.SentenceTransformer
    peft.peft_model.PeftModelForCausalLM peft.tuners.lora.model.LoraModel
    diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion.StableDiffusionPipeline
    diffusers.models.unets.unet_2d_condition.UNet2DConditionModel
    spacy.lang.en.English spacy.pipeline.textcat.TextCategorizer thinc.model.Model
    gensim.models.word2vec.Word2Vec
"""
OTHERS = """
    bytes bytearray datetime.timezone
    numpy.ma.MaskedArray numpy.rec.recarray numpy.matrix
    pandas.Categorical pandas.core.groupby.generic.DataFrameGroupBy
    pandas._libs.tslibs.timestamps.Timestamp pyarrow.lib.Schema pyarrow.lib.Int64Array
    scipy.sparse._csr.csr_matrix scipy.sparse._csr.csr_array
    sklearn.utils._bunch.Bunch sklearn.model_selection._split.KFold
    sklearn.metrics._plot.confusion_matrix.ConfusionMatrixDisplay
    statsmodels.iolib.summary.Summary
    torch.Tensor torch.optim.adam.Adam torch.nn.modules.loss.CrossEntropyLoss
    torch.nn.functional.relu torch._utils._rebuild_tensor_v2 torch.storage._load_from_bytes
    keras.src.callbacks.history.History keras.callbacks.History
    keras.src.optimizers.adam.Adam tensorflow.python.keras.callbacks.History
    tensorflow.python.framework.ops.EagerTensor
    jaxlib.xla_extension.ArrayImpl jaxlib._jax.ArrayImpl jax._src.array._reconstruct_array
    optax._src.transform.ScaleByAdamState onnx.onnx_ml_pb2.TensorProto
    transformers.models.bert.configuration_bert.BertConfig
    transformers.tokenization_utils_base.BatchEncoding transformers.training_args.TrainingArguments
    transformers.trainer_utils.TrainOutput
    transformers.modeling_outputs.SequenceClassifierOutput
    sentence_transformers.evaluation.BinaryClassificationEvaluator.BinaryClassificationEvaluator
    peft.tuners.lora.config.LoraConfig diffusers.schedulers.scheduling_ddim.DDIMScheduler
    diffusers.pipelines.stable_diffusion.pipeline_output.StableDiffusionPipelineOutput
    spacy.tokens.doc.Doc
"""
UNKNOWN = """
    __main__.Net sklearnish.Model torchmetrics.classification.accuracy.Accuracy keras_tuner.Tuner
    mylib.datasets.Dataset datasets.mine.Dataset functools.partial types.SimpleNamespace strange
"""


Expected = tuple[Kind, Form, Preview | None]


def expected(names: str, kind: Kind, form: Form, preview: Preview | None) -> dict[str, Expected]:
    """Return what the table should say of each of some names."""
    return dict.fromkeys(names.split(), (kind, form, preview))


def said_of(names: Iterable[str]) -> dict[str, Expected | None]:
    """Return what the table says of each name."""
    families = {name: family_of(name) for name in names}
    return {
        name: family and (family.kind, family.form, family.preview)
        for name, family in families.items()
    }


def test_known() -> None:
    """Each type of a well-known library is of its kind."""
    known = {
        **expected(VALUES, Kind.VALUE, Form.JSON, None),
        **expected(TABLES, Kind.DATASET, Form.PARQUET, Preview.TABLE),
        **expected(DATASETS, Kind.DATASET, Form.PICKLE, None),
        **expected("metaflow.includefile.IncludedFile", Kind.DATASET, Form.INCLUDE, None),
        **expected(
            "pathlib.PosixPath pathlib._local.PosixPath pathlib.WindowsPath",
            Kind.DATASET,
            Form.PATH,
            None,
        ),
        **expected(MODELS, Kind.MODEL, Form.PICKLE, None),
        **expected(OTHERS, Kind.OTHER, Form.PICKLE, None),
        **expected("numpy.ndarray", Kind.OTHER, Form.ARRAY, Preview.CHART),
        **expected("matplotlib.figure.Figure", Kind.OTHER, Form.PICKLE, Preview.IMAGE),
        **expected(
            "PIL.Image.Image PIL.PngImagePlugin.PngImageFile PIL.JpegImagePlugin.JpegImageFile "
            "PIL.WebPImagePlugin.WebPImageFile",
            Kind.OTHER,
            Form.IMAGE,
            Preview.IMAGE,
        ),
        **expected(
            "plotly.graph_objs._figure.Figure plotly.graph_objs._figurewidget.FigureWidget",
            Kind.OTHER,
            Form.PICKLE,
            Preview.FIGURE,
        ),
    }

    assert said_of(known) == known


def test_unknown() -> None:
    """Of other types, also if they are called alike, the table says nothing."""
    assert said_of(UNKNOWN.split()) == dict.fromkeys(UNKNOWN.split())


def test_every_row_counts() -> None:
    """No row is hidden by one above it."""
    names = {family.pattern.replace("*", "x"): family for family in FAMILIES}

    assert {name: family_of(name) for name in names} == names


def test_only_figures_of_matplotlib_need_trust() -> None:
    """All other previews come out of pickles that were not run."""
    assert [family.pattern for family in FAMILIES if family.needs_trust] == ["matplotlib.figure.*"]


@pytest.mark.parametrize(
    ("kind", "switch"), [("dataset", "datasets"), ("model", "models"), ("other", "others")]
)
def test_switch(kind: str, switch: str) -> None:
    """Each type of W&B artifact has a setting that turns it off."""
    assert Kind(kind).switch == switch


def test_patterns_are_those_of_fnmatch() -> None:
    """Names that a pattern matches by a hair, and does not, are found as `fnmatchcase` says."""
    for text in [family.pattern for family in FAMILIES]:
        bare = text.replace("*", "")
        near = (text, bare, f"{bare}x", f"x{text}", text.replace("*", "x.Y"), text[:-1])
        for name in (*near, text.replace("*", "\n")):
            first = (other for other in FAMILIES if fnmatchcase(name, other.pattern))
            assert family_of(name) == next(first, None)
