"""Attributes by name, and what can't be followed."""

from __future__ import annotations

import pytest

from tests.unit.lineage.static_analysis.reading import always, doubts, reads, step

READS = {
    "getattr": ("getattr(self, 'x')", "x"),
    "getattr with default": ("getattr(self, 'x', self.y)", "x y"),
    "getattr after a write": ("self.x = 1\ngetattr(self, 'x')", ""),
    "hasattr": ("hasattr(self, 'x')", "x"),
    "setattr": ("setattr(self, 'x', self.y)\nprint(self.x)", "y"),
    "delattr": ("self.x = 1\ndelattr(self, 'x')\nprint(self.x)", "x"),
    "dict": ("self.__dict__['x']", "x"),
    "dict written": ("self.__dict__['x'] = 1\nprint(self.x)", ""),
    "vars": ("vars(self)['x']", "x"),
    "module constant": ("getattr(self, NAME)", "n"),
    "module constants": ("for n in NAMES:\n    getattr(self, n)", "k l"),
    "class constants": ("for n in self.COLS:\n    getattr(self, n)", "COLS c d"),
    "loop": ("for n in ('a_', 'b_'):\n    setattr(self, n, 0)\nprint(self.a_, self.b_)", ""),
    "loop over a dict": (
        "for n, v in {'a_': 1}.items():\n    setattr(self, n, v)\nprint(self.a_)",
        "",
    ),
    "loop over keys": ("for n in {'a_': 1}:\n    setattr(self, n, 1)\nprint(self.a_)", ""),
    "loop over range": (
        "for n in range(2):\n    setattr(self, f'x{n}', n)\nprint(self.x0, self.x1, self.x2)",
        "x2",
    ),
    "loop with zip": ("for n, v in zip(('a_', 'b_'), l):\n    setattr(self, n, v)\nself.a_", "a_"),
    "comprehension": ("[getattr(self, n) for n in ('p', 'q')]", "p q"),
    "f-string": ("n = 'x'\ngetattr(self, f'{n}_y')", "x_y"),
    "sum": ("getattr(self, 'x' + '_y')", "x_y"),
    "choice": ("getattr(self, 'x' if c else 'y')", "x y"),
    "either name": ("setattr(self, 'x' if c else 'y', 1)\nself.x", "x"),
    "helper": ("", ""),
    "attrgetter": ("import operator\noperator.attrgetter('x.y')(self)", "x"),
    "object": ("object.__getattribute__(self, 'x')", "x"),
    "foreach": ("self.next(self.a, foreach='items')", "items"),
    "foreach written": ("self.items = 1\nself.next(self.a, foreach='items')", ""),
    "condition": ("self.next({'p': self.a, 'q': self.a}, condition='kind')", "kind"),
    "keys of a switch": ("self.next({self.cfg.k: self.a}, condition='kind')", "cfg kind"),
    "num_parallel": ("self.next(self.a, num_parallel=self.n)", "n"),
    "a constant elsewhere": ("for n in NAMES + ['m']:\n    getattr(self, n)", "k l m"),
}


@pytest.mark.parametrize("case", READS)
def test_names_are_followed(case: str) -> None:
    """A name that the text tells is as good as the attribute itself."""
    body, expected = READS[case]

    result = reads(
        body or "pass", above="NAME = 'n'\nNAMES = ['k', 'l']", members="COLS = ('c', 'd')"
    )

    assert result == expected


def test_loop_over_names_surely_writes() -> None:
    """Each of the names is written."""
    assert always("for n in ('p', 'q'):\n    setattr(self, n, 0)") == "p q"


def test_loop_over_names_with_a_way_out() -> None:
    """What may be skipped is not sure."""
    body = "for n in ('p', 'q'):\n    setattr(self, n, 0)\n    if c:\n        break"

    assert always(body) == "p"


DOUBTS = {
    "getattr(self, n)": "reads an artifact by a computed name",
    "getattr(self, f'x_{n}')": "reads an artifact by a computed name",
    "hasattr(self, n)": "reads an artifact by a computed name",
    "setattr(self, n, 1)": "writes an artifact by a computed name",
    "setattr(self, f'x_{n}', 1)": "writes an artifact by a computed name",
    "delattr(self, n)": "deletes an artifact by a computed name",
    "self.__dict__[n]": "reads an artifact by a computed name",
    "self.__dict__.update(d)": "__dict__ is used as a whole",
    "for n, v in vars(self).items():\n    pass": "__dict__ is used as a whole",
    "print(self.__dict__)": "__dict__ is used as a whole",
    "d = {**self.__dict__}": "__dict__ is used as a whole",
    "[n for n in self.__dict__]": "__dict__ is used as a whole",
    "names = ['x']\nnames.append(y)\nfor n in names:\n    getattr(self, n)": (
        "reads an artifact by a computed name"
    ),
    "names = ['x']\nother = names\nother.append(y)\nfor n in names:\n    getattr(self, n)": (
        "reads an artifact by a computed name"
    ),
    "name = 'x'\nwhile c:\n    name = f(name)\ngetattr(self, name)": (
        "reads an artifact by a computed name"
    ),
    "n = 'x'\nif c:\n    n = f()\ngetattr(self, n)": "reads an artifact by a computed name",
    "foo(self)": "self is handed to foo",
    "foo(x, flow=self)": "self is handed to foo",
    "foo(*[self])": "self is handed to foo",
    "foo(**{'f': self})": "self is handed to foo",
    "foo([self])": "self is handed to foo",
    "foo({'f': self})": "self is handed to foo",
    "foo((1, [self]))": "self is handed to foo",
    "C(self)": "self is handed to C",
    "import functools\nfunctools.partial(h, self)": "self is handed to functools.partial",
    "import inspect\ninspect.getmembers(self)": "self is handed to inspect.getmembers",
    "import sys\nsys._getframe()": "sys._getframe reaches the frame that holds self",
    "import copy\ncopy.copy(self)": "self is handed to copy.copy",
    "globals()['f'](self)": "self is handed to globals()['f']",
    "exec('self.x')": "exec runs text that may read artifacts",
    "eval(t)": "eval runs text that may read artifacts",
    "locals()['self'].x": "locals() gives access to self by name",
    "self.__getattribute__('x')": "__getattribute__ may read any artifact",
    "super().__getattribute__('x')": "super().__getattribute__ may read any artifact",
    "self._datastore['x']": "_datastore uses Metaflow's internals",
    "self.me = self": "the flow or an input is stored in self.me",
    "obj.flow = self": "the flow or an input is stored in obj.flow",
    "d[1] = self": "the flow or an input is stored in d",
    "l.append(self)": "self is handed to l.append",
    "global g\ng = self": "the flow or an input is stored in g, which is not local",
    "self.next(self.a, foreach=n)": "foreach= of self.next is computed",
    "self.next({'x': self.a}, condition=n)": "condition= of self.next is computed",
    "def f():\n    return self\nfoo(f())": "self is handed to foo",
    "f = lambda: self\nfoo(f)": ("a function that returns self or an input is handed to foo"),
    "getattr(self, 'x', foo(self))": "self is handed to foo",
    "with foo(self):\n    pass": "self is handed to foo",
    "x = [self][k]\nfoo(x)": "self is handed to foo",
    "for s in [self]:\n    foo(s)": "self is handed to foo",
    "raise E(self)": "self is handed to E",
    "dict(f=self)['f'].x + foo(**dict(f=self))": "self is handed to foo",
}


@pytest.mark.parametrize("body", DOUBTS)
def test_doubts(body: str) -> None:
    """What can't be told is said, once, with the reason."""
    assert doubts(body) == DOUBTS[body]


def test_doubt_has_its_line() -> None:
    """People look it up."""
    assert step("x = 1\nfoo(self)").doubts == ("line 9: self is handed to foo",)


HARMLESS = [
    "type(self)",
    "isinstance(self, X)",
    "id(self)",
    "self.__class__.__name__",
    "self is other",
    "self == other",
    "not self",
    "print(self.__doc__)",
    "bool(self)",
    "callable(self.a)",
    "foo(self.a)",
    "super().__init__()",
    "with S3(run=self) as s3:\n    pass",
]


@pytest.mark.parametrize("body", HARMLESS)
def test_looking_at_self_reads_nothing(body: str) -> None:
    """Neither a read nor a doubt."""
    assert reads(body) == ""


def test_too_intricate_a_step_is_doubted() -> None:
    """Rather than taking hours; the other steps are none the worse."""
    body = "x = 1"
    for _ in range(12):
        body = "try:\n" + _indented(body) + "\nfinally:\n" + _indented(body)

    result = step(body)

    assert result.doubts == ("line 7: a is too intricate to follow: it takes too much work",)


def _indented(text: str) -> str:
    return "\n".join(f" {line}" for line in text.splitlines())


def test_text_of_self_shows_the_item() -> None:
    """FlowSpec.__str__ reads `self.input`."""
    assert step("print(self)").reads_input


def test_text_that_is_run_where_no_flow_is_in_sight() -> None:
    """`eval` sees the names around it, and what it is handed."""
    above = "def number(text): return eval(text)"

    assert reads("self.y = number('1') + self.x", above=above) == "x"
    assert "eval runs text" in doubts("number(self)", above=above)
    assert "eval runs text" in doubts("eval('1')")


@pytest.mark.parametrize(
    "body",
    [
        "self.NAMES.append('y')",
        "self.NAMES += ['y']",
        "self.NAMES[0] = 'y'",
        "type(self).NAMES = ['y']",
        "setattr(self, 'NAMES', ['y'])",
        "self.helper()",
    ],
)
def test_a_class_variable_that_is_changed(body: str) -> None:
    """What it holds then is not what the class says."""
    result = step(
        f"{body}\nfor name in self.NAMES: getattr(self, name)",
        members="NAMES = ['x']\ndef helper(self):\n    self.NAMES.extend(['y'])",
    )

    assert [doubt.partition(": ")[2] for doubt in result.doubts] == [
        "reads an artifact by a computed name"
    ]
