"""Steps and helpers from the class, its bases and other files."""

from __future__ import annotations

import pytest

from mfwb.lineage.static_analysis import CodeError, read_flow_code
from mfwb.snapshot import SourceCode
from tests.unit.lineage.static_analysis.reading import HEAD, doubts, flow_code, reads, step

HELPERS = {
    "method": ("def h(self):\n    print(self.x)", "self.h()", "x"),
    "method after a write": ("def h(self):\n    print(self.x)", "self.x = 1\nself.h()", ""),
    "method that writes": ("def h(self):\n    self.x = 1", "self.h()\nprint(self.x)", ""),
    "method that may write": (
        "def h(self):\n    if c:\n        self.x = 1",
        "self.h()\nprint(self.x)",
        "x",
    ),
    "method that deletes": (
        "def h(self):\n    del self.x",
        "self.x = 1\nself.h()\nprint(self.x)",
        "x",
    ),
    "deletes, then reads": (
        "def h(self):\n    del self.x\n    print(self.x)",
        "self.x = 1\nself.h()",
        "x",
    ),
    "two levels": ("def g(self):\n    self.x\ndef h(self):\n    self.g()", "self.h()", "x"),
    "recursion": (
        "def h(self, n):\n    if n:\n        self.h(n - 1)\n    print(self.x)",
        "self.h(1)",
        "x",
    ),
    "mutual recursion": (
        "def h(self):\n    self.x\n    self.g()\ndef g(self):\n    self.y\n    self.h()",
        "self.g()",
        "x y",
    ),
    "recursion that deletes": (
        "def h(self):\n    self.x\n    del self.x\n    self.h()",
        "self.x = 1\nself.h()",
        "x",
    ),
    "property": ("@property\ndef h(self):\n    return self.x", "print(self.h)", "x"),
    "property after a write": (
        "@property\ndef h(self):\n    return self.x",
        "self.x = 1\nprint(self.h)",
        "",
    ),
    "cached property": (
        "@functools.cached_property\ndef h(self):\n    return self.x",
        "print(self.h)",
        "x",
    ),
    "setter": (
        "@property\ndef h(self):\n  return self.x\n@h.setter\ndef h(self, v):\n  self.x = self.y",
        "self.h = 1\nprint(self.h)",
        "y",
    ),
    "classmethod": ("K = 1\n@classmethod\ndef h(cls):\n    return cls.K", "self.h()", "K"),
    "static": ("@staticmethod\ndef h(me):\n    return me.x", "self.h(self)", "x"),
    "handed to map": ("def h(self, i):\n    return self.x", "list(map(self.h, l))", "x"),
    "handed to anything": ("def h(self, i):\n    return self.x", "pool.submit(self.h, 1)", "x"),
    "as a value": ("def h(self):\n    return self.x", "f = self.h\nf()", "x"),
    "one of two": (
        "def h(self):\n    self.x\ndef g(self):\n    self.y",
        "f = self.h if c else self.g\nf()",
        "x y",
    ),
    "by the class": ("def h(self):\n    return self.x", "F.h(self)", "x"),
    "by getattr": ("def h(self):\n    return self.x", "getattr(self, 'h')()", "x"),
    "the class of self": ("K = 1", "print(self.__class__.K, type(self).K, F.K)", "K"),
    "constant": ("K = 1", "print(self.K)", "K"),
    "parameter": ("p = Parameter('p')", "print(self.p)", "p"),
    "lambda": ("h = lambda self: self.x", "self.h()", "x"),
    "other name": ("def g(self):\n    self.x\nh = g", "self.h()", "x"),
    "nested class": ("class C:\n    pass", "self.C()", ""),
    "callable artifact": ("", "self.model(1)", "model"),
    "private": ("", "print(self._x)", "_x"),
    "mangled": ("def h(self):\n    self.__y = 1", "self.h()\nprint(self.__x, self.__y)", "_F__x"),
    "returns self": ("def h(self):\n    return self", "print(self.h().x)", "x"),
    "returns names": (
        "def h(self):\n    return ['p', 'q']",
        "for n in self.h():\n    getattr(self, n)",
        "p q",
    ),
    "generator": ("def h(self):\n    yield self.x", "for y in self.h():\n    pass", "x"),
    "raises": (
        "def h(self):\n    raise E",
        "if c:\n    self.h()\nelse:\n    self.x = 1\nself.x",
        "",
    ),
    "function of the module": ("", "top(self)", "t"),
    "writer of the module": ("", "put(self)\nprint(self.u)", ""),
    "with keyword": ("", "put(flow=self)\nprint(self.u)", ""),
    "default argument": ("def h(self, n='x'):\n    getattr(self, n)", "self.h()", "x"),
}


@pytest.mark.parametrize("case", HELPERS)
def test_helpers_are_followed(case: str) -> None:
    """A helper's reads and writes come in where it is called."""
    members, body, expected = HELPERS[case]
    above = "import functools\ndef top(flow):\n    return flow.t\ndef put(flow):\n    flow.u = 1"

    assert reads(body, members=members, above=above) == expected


API = ["self.index", "self.next", "self.name", "self.script_name", "self.cmd", "self.a"]


@pytest.mark.parametrize("expression", API)
def test_api_is_no_artifact(expression: str) -> None:
    """What belongs to FlowSpec, and steps, are not artifacts."""
    assert reads(f"print({expression})") == ""


def test_input_is_distinguished() -> None:
    """`self.input` is the item of a foreach."""
    result = step("print(self.input)")

    assert result.reads_input
    assert result.reads == frozenset()


SUPER = """
class Base(FlowSpec):
    K = 1
    def h(self):
        print(self.base)
    @property
    def p(self):
        return self.prop
    @step
    def start(self):
        self.by_base = 1
        self.next(self.end)
    @step
    def end(self):
        pass
class Mixin:
    def h(self):
        print(self.mixin)
        super().h()
class F(Mixin, Base):
    def h(self):
        print(self.own)
        super().h()
    @step
    def start(self):
        self.h()
        print(super().p, self.K)
        super(F, self).start()
"""


def test_bases_in_the_order_of_python() -> None:
    """The nearest class wins, `super()` goes on behind it, and steps are inherited."""
    result = flow_code(HEAD + SUPER)

    assert set(result.steps) == {"start", "end"}
    assert result.steps["start"].reads == {"own", "mixin", "base", "prop", "K"}
    assert result.steps["start"].always_writes == {"by_base"}
    assert result.steps["start"].next == ("end",)
    assert result.steps["start"].doubts == ()


FLOW = """
class F({base}, FlowSpec):
    @step
    def start(self):
        self.h()
"""
BASE = "class Base:\n    def h(self):\n        print(self.x)\n"
IMPORTS = {
    "from": ("from base import Base", "Base", {"base.py": BASE}),
    "as": ("from base import Base as B", "B", {"base.py": BASE}),
    "module": ("import base", "base.Base", {"base.py": BASE}),
    "module as": ("import pkg.base as b", "b.Base", {"pkg/base.py": BASE}),
    "dotted": ("import pkg.base", "pkg.base.Base", {"pkg/base.py": BASE, "pkg/__init__.py": ""}),
    "package": ("from pkg import Base", "Base", {"pkg/__init__.py": BASE}),
    "re-exported": (
        "from pkg import Base",
        "Base",
        {"pkg/__init__.py": "from .base import Base", "pkg/base.py": BASE},
    ),
    "from a package, a module": ("from pkg import base", "base.Base", {"pkg/base.py": BASE}),
    "star": ("from base import *", "Base", {"base.py": BASE}),
    "star of a star": (
        "from one import *",
        "Base",
        {"one.py": "from two import *", "two.py": BASE},
    ),
    "in a try": (
        "try:\n    from base import Base\nexcept ImportError:\n    Base = object",
        "Base",
        {"base.py": BASE},
    ),
    "relative, upwards": (
        "from pkg.sub.low import Base",
        "Base",
        {"pkg/sub/low.py": "from ..base import Base", "pkg/base.py": BASE},
    ),
    "relative, here": (
        "from pkg.low import Base",
        "Base",
        {"pkg/low.py": "from . import base\nBase = base.Base", "pkg/base.py": BASE},
    ),
}


@pytest.mark.parametrize("case", IMPORTS)
def test_bases_in_other_files(case: str) -> None:
    """Imports are followed to the files that came along."""
    line, base, others = IMPORTS[case]

    result = flow_code(f"{HEAD}{line}\n{FLOW.format(base=base)}", others).steps["start"]

    assert result.reads == {"x"}
    assert result.doubts == ()


def test_relative_to_the_folder_of_the_script() -> None:
    """A script in a folder finds its neighbours, as Python does."""
    files = {
        "flows/train.py": f"{HEAD}from base import Base\n{FLOW.format(base='Base')}",
        "flows/base.py": "from common.deep import h\nclass Base:\n    h = h\n",
        "common/deep.py": "def h(self):\n    print(self.x)\n",
    }

    result = read_flow_code(SourceCode("flows/train.py", files, "file"), "F").steps["start"]

    assert result.reads == {"x"}
    assert result.doubts == ()


def test_doubt_in_another_file_names_it() -> None:
    """A line number alone would mislead."""
    base = "class Base:\n    def h(self):\n        foo(self)\n"

    result = flow_code(
        f"{HEAD}from base import Base\n{FLOW.format(base='Base')}", {"base.py": base}
    )

    assert result.steps["start"].doubts == ("base.py line 3: self is handed to foo",)


def test_imported_function_is_followed() -> None:
    """Also when it is imported inside the step."""
    result = flow_code(
        HEAD + "class F(FlowSpec):\n @step\n def a(self):\n  from u import h\n  h(self)",
        {"u.py": "def h(flow):\n    flow.y = flow.x"},
    ).steps["a"]

    assert result.reads == {"x"}
    assert result.always_writes == {"y"}
    assert result.doubts == ()


def test_flow_imported_into_the_script() -> None:
    """The class need not be in the script itself."""
    other = HEAD + "class F(FlowSpec):\n @step\n def a(self):\n  foo(self)"

    result = flow_code("from other import F", {"other.py": other}).steps["a"]

    assert result.doubts == ("other.py line 5: self is handed to foo",)


@pytest.mark.parametrize("around", ["if c:", "try:", "with c:"])
def test_flow_inside_a_block(around: str) -> None:
    """A class is found wherever the module defines it."""
    end = "\nexcept E:\n pass" if around == "try:" else ""

    result = flow_code(
        f"{HEAD}{around}\n class F(FlowSpec):\n  @step\n  def a(self):\n   self.x = 1{end}"
    )

    assert result.steps["a"].writes == {"x"}


STEPS = {
    "from metaflow import FlowSpec, step": "@step",
    "import metaflow\nfrom metaflow import FlowSpec": "@metaflow.step",
    "import metaflow as mf\nfrom metaflow import FlowSpec": "@mf.step",
    "from metaflow import FlowSpec, step as st": "@st",
    "from metaflow import *": "@step(start=True)",
    "from metaflow.decorators import step\nfrom metaflow import FlowSpec": "@step",
    "from common import FlowSpec, step": "@step",
}


@pytest.mark.parametrize("imports", STEPS)
def test_steps_are_recognised(imports: str) -> None:
    """Whatever `step` is called here."""
    result = flow_code(
        f"{imports}\nclass F(FlowSpec):\n {STEPS[imports]}\n def a(self): pass\n def b(self): pass",
        {"common.py": "from metaflow import FlowSpec, step"},
    )

    assert list(result.steps) == ["a"]
    assert result.steps["a"].doubts == ()


HARMLESS = [
    "retry(times=2)",
    "resources(memory=1)",
    "card",
    "environment(vars={'A': 'b'})",
    "kubernetes",
    "batch(image='x')",
    "timeout(hours=1)",
    "secrets(sources=[])",
    "pypi(packages={})",
    "conda",
    "parallel",
    "catch",
]


@pytest.mark.parametrize("decorator", HARMLESS)
def test_decorators_of_metaflow_are_harmless(decorator: str) -> None:
    """They read nothing of the flow's."""
    assert step("self.x = 1", deco=f"@{decorator}").doubts == ()


@pytest.mark.parametrize("decorator", ["wandb_log", "wandb_log(datasets=True)"])
def test_the_decorator_of_w_and_b_is_harmless(decorator: str) -> None:
    """On a step or on the flow: what it reads it only logs."""
    result = flow_code(
        f"{HEAD}from wandb.integration.metaflow import wandb_log\n"
        f"@{decorator}\nclass F(FlowSpec):\n @{decorator}\n @step\n def a(self): print(self.x)"
    )

    assert result.steps["a"].doubts == ()
    assert result.steps["a"].reads == {"x"}


def test_catch_writes() -> None:
    """Metaflow sets the variable whether or not something was raised."""
    result = step("self.x = 1", deco="@catch(var='err', print_exception=False)")

    assert result.writes == {"x", "err"}
    assert result.always_writes == {"x", "err"}


def test_configs_in_decorators_are_read() -> None:
    """A config that a decorator takes its arguments from matters to the step."""
    result = step(
        "pass",
        members="cfg = Config('cfg')\nother = Config('other')",
        deco="@resources(cpu=cfg.cpu)\n@environment(vars=config_expr('other.vars'))",
    )

    assert result.reads == {"cfg", "other"}


DECORATED = {
    "@mine": "line 4: decorated by mine, which may read artifacts",
    "@mine(1)": "line 4: decorated by mine, which may read artifacts",
    "@torch.compile": "line 4: decorated by torch.compile, which may read artifacts",
}


@pytest.mark.parametrize("decorator", DECORATED)
def test_other_decorators_are_doubted(decorator: str) -> None:
    """They wrap the step and are handed the flow."""
    result = flow_code(
        f"{HEAD}import torch; mine = print\n"
        f"class F(FlowSpec):\n {decorator}\n @step\n def a(self): pass"
    )

    assert result.steps["a"].doubts == (DECORATED[decorator],)


def test_flow_mutators_are_doubted() -> None:
    """A decorator of the class that is not Metaflow's may change every step."""
    result = flow_code(
        HEAD
        + "class M(FlowMutator): pass\n@project(name='p')\n@M\n"
        + "class F(FlowSpec):\n @step\n def a(self): pass"
    )

    assert result.steps["a"].doubts == ("line 4: decorated by M, which may read artifacts",)


def test_decorated_helper_is_doubted_and_followed() -> None:
    """What is in sight is told, what is not is said."""
    result = step("self.h()", members="@timed\ndef h(self):\n    print(self.x)")

    assert result.reads == {"x"}
    assert len(result.doubts) == 1


def test_unknown_base_is_doubted_in_every_step() -> None:
    """Its methods, and steps, are out of sight."""
    result = flow_code(
        HEAD + "from company import Base\nclass F(Base, FlowSpec):\n @step\n def a(self):\n  pass\n"
        " @step\n def b(self):\n  pass"
    )

    expected = ("line 3: its base Base comes from outside the code package",)
    assert [step.doubts for step in result.steps.values()] == [expected, expected]


@pytest.mark.parametrize(
    "base",
    [
        "FlowSpec",
        "FlowSpec, object",
        "FlowSpec, abc.ABC",
        "FlowSpec, typing.Generic[T]",
        "FlowSpec, metaclass=abc.ABCMeta",
    ],
)
def test_harmless_bases(base: str) -> None:
    """They add nothing that reads artifacts."""
    result = flow_code(f"{HEAD}import abc, typing\nclass F({base}):\n @step\n def a(self):\n  pass")

    assert result.steps["a"].doubts == ()


@pytest.mark.parametrize("hook", ["__getattr__", "__getattribute__", "__setattr__"])
def test_attribute_hooks_are_doubted(hook: str) -> None:
    """They change what reading and writing mean, for every step."""
    assert doubts("pass", members=f"def {hook}(self, *a):\n    pass") == (
        "F changes what reading an attribute means"
    )


ERRORS = {
    "class F(\n": "flow.py does not parse: line 1: '(' was never closed",
    "class G: pass": "there is no class F in flow.py",
    "F = 1": "there is no class F in flow.py",
    "x = '\0'": "flow.py does not parse: ",
}


@pytest.mark.parametrize("text", ERRORS)
def test_errors(text: str) -> None:
    """Source that does not show the flow is refused in one line."""
    with pytest.raises(CodeError) as caught:
        flow_code(text)

    assert str(caught.value).startswith(ERRORS[text])
    assert "\n" not in str(caught.value)


def test_script_that_is_not_there() -> None:
    """The name of the script must be one of the files."""
    with pytest.raises(CodeError, match=r"flow\.py is not among the files"):
        read_flow_code(SourceCode("flow.py", {}, "file"), "F")


def test_other_file_that_does_not_parse_is_as_good_as_absent() -> None:
    """Only what comes from it is in doubt."""
    result = flow_code(
        f"{HEAD}from base import Base\n{FLOW.format(base='Base')}", {"base.py": "class ("}
    )

    assert result.steps["start"].doubts == (
        "line 4: its base Base comes from outside the code package",
    )
