"""What an artifact is for W&B, told from its recorded type and what its pickle refers to."""

from __future__ import annotations

import pytest

from mfwb.planning import Form
from mfwb.planning.kinds import Kind, Verdict, classify, wants_a_look
from tests.unit.flow_runs import ref

VALUE = Verdict(Kind.VALUE, Form.PICKLE)
MODEL = Verdict(Kind.MODEL, Form.PICKLE)
OTHER = Verdict(Kind.OTHER, Form.PICKLE)
FRAME = Verdict(Kind.DATASET, Form.PARQUET)
FRAMES = Verdict(Kind.DATASET, Form.FRAMES)
PATH = Verdict(Kind.DATASET, Form.PATH)
INCLUDE = Verdict(Kind.DATASET, Form.INCLUDE)


@pytest.mark.parametrize(
    ("type_", "verdict"),
    [
        ("int", VALUE),
        ("float", VALUE),
        ("bool", VALUE),
        ("str", VALUE),
        ("NoneType", VALUE),
        ("numpy.float64", VALUE),
        ("numpy.int8", VALUE),
        ("numpy.bool", VALUE),
        ("numpy.bool_", VALUE),
        ("pandas.core.frame.DataFrame", FRAME),
        ("pandas.DataFrame", FRAME),
        ("pathlib.PosixPath", PATH),
        ("pathlib.WindowsPath", PATH),
        ("pathlib._local.PosixPath", PATH),
        ("metaflow.includefile.IncludedFile", INCLUDE),
        ("sklearn.linear_model._logistic.LogisticRegression", MODEL),
        ("sklearn.pipeline.Pipeline", MODEL),
        ("xgboost.sklearn.XGBClassifier", MODEL),
        ("xgboost.core.Booster", MODEL),
        ("lightgbm.basic.Booster", MODEL),
        ("catboost.core.CatBoostClassifier", MODEL),
        ("torch.nn.modules.linear.Linear", MODEL),
        ("keras.src.models.sequential.Sequential", MODEL),
        ("transformers.models.bert.modeling_bert.BertModel", MODEL),
        ("sklearn.utils._bunch.Bunch", OTHER),
        ("sklearn.datasets._base.Bunch", OTHER),
        ("numpy.ndarray", OTHER),
        ("numpy.datetime64", OTHER),
        ("pandas.core.series.Series", OTHER),
        ("torch.Tensor", OTHER),
        ("bytes", OTHER),
        ("complex", OTHER),
        ("datetime.datetime", OTHER),
        ("__main__.Thing", OTHER),
        ("sklearnish.Model", OTHER),
        ("", OTHER),
    ],
)
def test_by_type(type_: str, verdict: Verdict) -> None:
    """A type that says enough decides alone."""
    assert classify(ref("x", type_=type_)) == verdict


@pytest.mark.parametrize(
    ("type_", "names", "verdict"),
    [
        ("dict", (), VALUE),
        ("list", (), VALUE),
        ("set", ("builtins.set",), VALUE),
        ("tuple", ("datetime.datetime", "decimal.Decimal"), VALUE),
        ("collections.OrderedDict", ("collections.OrderedDict",), VALUE),
        ("list", ("numpy._core.multiarray.scalar", "numpy.dtype"), VALUE),
        ("list", ("numpy.core.multiarray.scalar", "numpy.dtype"), VALUE),
        ("dict", None, OTHER),
        ("list", None, OTHER),
        ("dict", ("pandas.core.frame.DataFrame", "numpy.dtype"), FRAMES),
        ("list", ("pandas.DataFrame",), FRAMES),
        ("set", ("pandas.DataFrame",), OTHER),
        ("tuple", ("pandas.core.frame.DataFrame",), OTHER),
        ("dict", ("__main__.Thing",), OTHER),
        ("dict", ("numpy._core.multiarray._reconstruct", "numpy.ndarray"), OTHER),
        ("list", ("os.system",), OTHER),
    ],
)
def test_containers(type_: str, names: tuple[str, ...] | None, verdict: Verdict) -> None:
    """Of a container decides what its pickle refers to; not looked at, it is no plain value."""
    assert classify(ref("x", type_=type_, names=names)) == verdict


@pytest.mark.parametrize(
    ("names", "verdict"),
    [
        (("__main__.Net", "torch._utils._rebuild_parameter"), MODEL),
        (("__main__.Net", "torch.nn.modules.linear.Linear"), MODEL),
        (("__main__.Net", "torch._utils._rebuild_tensor_v2"), OTHER),
        (("__main__.Net", "sklearn.svm._classes.SVC"), OTHER),
        ((), OTHER),
        (None, OTHER),
    ],
)
def test_class_of_the_users_own(names: tuple[str, ...] | None, verdict: Verdict) -> None:
    """An object of the user's own class is a model if there is a torch module in it."""
    assert classify(ref("x", type_="__main__.Net", names=names)) == verdict


@pytest.mark.parametrize(
    ("type_", "names", "verdict"),
    [
        ("str", None, OTHER),
        ("dict", (), OTHER),
        ("dict", ("pandas.DataFrame",), FRAMES),
        ("pandas.DataFrame", None, FRAME),
    ],
)
def test_large(type_: str, names: tuple[str, ...] | None, verdict: Verdict) -> None:
    """A value that is too large for a summary becomes an artifact; data stays data."""
    assert classify(ref("x", type_=type_, size=1_000_001, names=names)) == verdict


def test_largest_value() -> None:
    """The limit itself is still a value."""
    assert classify(ref("x", type_="str", size=1_000_000)) == VALUE
    assert classify(ref("x", type_="list", size=1_000_000, names=())) == VALUE


def test_what_is_no_pickle() -> None:
    """Bytes of another serializer are handed on as they are, whatever type they claim."""
    foreign = ref("x", type_="pandas.DataFrame", encoding="cloudpickle")

    assert classify(foreign) == OTHER
    assert not wants_a_look(foreign)


@pytest.mark.parametrize(
    ("type_", "wanted"),
    [
        ("dict", True),
        ("list", True),
        ("collections.Counter", True),
        ("__main__.Net", True),
        ("torch.Tensor", True),
        ("int", False),
        ("pandas.DataFrame", False),
        ("numpy.ndarray", False),
        ("sklearn.svm._classes.SVC", False),
    ],
)
def test_wants_a_look(type_: str, wanted: bool) -> None:  # noqa: FBT001 - of a table
    """A pickle is looked into if its type does not tell what it is, and only once."""
    assert wants_a_look(ref("x", type_=type_)) == wanted
    assert not wants_a_look(ref("x", type_=type_, names=()))


def test_no_look_at_giants() -> None:
    """Nobody downloads gigabytes for a name."""
    assert wants_a_look(ref("x", type_="dict", size=64_000_000))
    assert not wants_a_look(ref("x", type_="dict", size=64_000_001))


@pytest.mark.parametrize(
    ("kind", "switch"), [("dataset", "datasets"), ("model", "models"), ("other", "others")]
)
def test_switch(kind: str, switch: str) -> None:
    """Each type of W&B artifact has a setting that turns it off."""
    assert Kind(kind).switch == switch
