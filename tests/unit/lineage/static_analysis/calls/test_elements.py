"""Reads of a join from its inputs."""

from __future__ import annotations

import pytest

from tests.unit.lineage.static_analysis.reading import HEAD, doubts, flow_code, input_reads

INPUT_READS = {
    "loop": ("for i in inputs:\n    print(i.x)", "x"),
    "list": ("self.y = [i.x for i in inputs]", "x"),
    "generator": ("self.y = sum(i.x.y for i in inputs if i.ok)", "ok x"),
    "dict": ("self.y = {i.k: i.v for i in inputs}", "k v"),
    "nested": ("self.y = [[i.x for j in z] for i in inputs]", "x"),
    "double": ("self.y = [j.x + i.y for i in inputs for j in inputs]", "x y"),
    "branch": ("self.y = inputs.a.x + inputs.b.z", "a.x b.z"),
    "deep": ("self.y = inputs.a.x.y.z", "a.x"),
    "index": ("self.y = inputs[0].x", "[0].x"),
    "last": ("self.y = inputs[-1].x", "[-1].x"),
    "any index": ("self.y = inputs[k].x", "x"),
    "range": ("for k in range(len(inputs)):\n    print(inputs[k].x)", "x"),
    "slice": ("for i in inputs[1:]:\n    print(i.x)", "x"),
    "zip": ("for n, i in zip(names, inputs):\n    print(n.z, i.x)", "x"),
    "zip of two": ("for i, j in zip(inputs, inputs[1:]):\n    print(i.x, j.y)", "x y"),
    "enumerate": ("for n, i in enumerate(inputs):\n    print(n.z, i.x)", "x"),
    "enumerate, inner tuple": (
        "for n, (i, j) in enumerate(zip(inputs, inputs)):\n    print(i.x, j.y)",
        "x y",
    ),
    "sorted": ("s = sorted(inputs, key=lambda i: i.score)\nprint(s[0].x)", "score x"),
    "reversed": ("for i in reversed(inputs):\n    print(i.x)", "x"),
    "list of inputs": ("for i in list(inputs):\n    print(i.x)", "x"),
    "list, index": ("print(list(inputs)[0].x)", "x"),
    "sorted in place": ("l = list(inputs)\nl.sort(key=lambda i: i.s)\nprint(l[0].x)", "s x"),
    "two, sorted in place": ("l = [inputs.a, inputs.b]\nl.reverse()\nprint(l[0].x)", "a.x b.x"),
    "max": ("best = max(inputs, key=lambda i: i.score)\nself.m = best.model", "model score"),
    "max, inner function": (
        "def key(i):\n    return i.score\nself.m = max(inputs, key=key).model",
        "model score",
    ),
    "max, attrgetter": (
        "import operator\nself.m = max(inputs, key=operator.attrgetter('score')).model",
        "model score",
    ),
    "max of a generator": ("b = max((i for i in inputs if i.ok), key=lambda i: i.s)", "ok s"),
    "max of pairs": ("s, b = max((i.s, i) for i in inputs)\nprint(b.x)", "s x"),
    "map": ("self.y = list(map(lambda i: i.x, inputs))", "x"),
    "filter": ("for i in filter(lambda i: i.ok, inputs):\n    print(i.x)", "ok x"),
    "reduce": (
        "import functools\nself.y = functools.reduce(lambda a, b: a if a.s > b.s else b, inputs).x",
        "s x",
    ),
    "chain": ("import itertools\nfor i in itertools.chain(inputs):\n    print(i.x)", "x"),
    "next of iter": ("first = next(iter(inputs))\nprint(first.x)", "x"),
    "next of a generator": ("i = next((i for i in inputs if i.ok), None)\nprint(i.x)", "ok x"),
    "one": ("first = inputs[0]\nprint(first.x)", "[0].x"),
    "unpacking": ("a, b = inputs\nprint(a.x, b.y)", "[0].x [1].y"),
    "unpacking with a star": (
        "a, *m, z = inputs\nprint(a.x, z.y, [i.z for i in m])",
        "[-1].y [0].x z",
    ),
    "alias": ("all = inputs\nfor i in all:\n    print(i.x)", "x"),
    "alias of one": ("a = inputs.a\nprint(a.x)", "a.x"),
    "loop over two": ("for i in (inputs.a, inputs.b):\n    print(i.x)", "a.x b.x"),
    "dict of branches": (
        "d = {'a': inputs.a, 'b': inputs.b}\nfor n, i in d.items():\n    print(i.x)\nd['a'].y",
        "a.x a.y b.x",
    ),
    "dict by name": ("d = {i.name_: i for i in inputs}\nprint(d['k'].x)", "name_ x"),
    "collected": ("l = []\nfor i in inputs:\n    l.append(i)\nprint(l[0].x)", "x"),
    "collected by key": ("d = {}\nfor i in inputs:\n    d[i.k] = i\nprint(d['a'].x)", "k x"),
    "best so far": (
        "b = None\nfor i in inputs:\n  if not b or i.s > b.s:\n    b = i\nprint(b.m)",
        "m s",
    ),
    "choice": ("i = inputs.a if c else inputs.b\nprint(i.x)", "a.x b.x"),
    "or": ("i = inputs.a or inputs.b\nprint(i.x)", "a.x b.x"),
    "getattr": ("for i in inputs:\n    print(getattr(i, 'x', None))", "x"),
    "getattr of names": ("for n in ('x', 'y'):\n    [getattr(i, n) for i in inputs]", "x y"),
    "getattr of inputs": ("print(getattr(inputs, 'a').x)", "a.x"),
    "getattr of inputs, computed": ("print(getattr(inputs, n).x)", "x"),
    "hasattr": ("l = [i for i in inputs if hasattr(i, 'x')]", "x"),
    "__dict__": ("print(inputs[0].__dict__['x'])", "[0].x"),
    "vars": ("print(vars(inputs[0])['x'])", "[0].x"),
    "len only": ("self.n = len(inputs)", ""),
    "own attributes of the API": ("print(inputs[0].index, inputs[0].name)", ""),
    "walrus": ("if (i := inputs[0]).ok:\n    print(i.x)", "[0].ok [0].x"),
    "lambda default": ("f = [lambda i=i: i.x for i in inputs]", "x"),
    "match": ("match inputs[0]:\n    case i:\n        print(i.x)", "[0].x"),
    "concatenated": ("for i in list(inputs) + [inputs.a]:\n    print(i.x)", "a.x x"),
    "starred": ("for i in [*inputs]:\n    print(i.x)", "x"),
    "while": ("l = list(inputs)\nwhile l:\n    print(l.pop().x)", "x"),
    "flows": ("for i in inputs.flows:\n    print(i.x)", "x"),
}


@pytest.mark.parametrize("case", INPUT_READS)
def test_input_reads(case: str) -> None:
    """Whatever way an input is reached, what is read of it is found."""
    body, expected = INPUT_READS[case]

    assert input_reads(body) == expected


HELPERS = {
    "a method with inputs": ("def h(self, all):\n    return [i.x for i in all]", "self.h(inputs)"),
    "a method with one": ("def h(self, one):\n    return one.x", "self.h(inputs[k])"),
    "by keyword": ("def h(self, *, one):\n    return one.x", "self.h(one=inputs[k])"),
    "in a loop": ("def h(self, one):\n    return one.x", "[self.h(i) for i in inputs]"),
    "mapped": ("def h(self, one):\n    return one.x", "list(map(self.h, inputs))"),
    "as the key": ("def h(self, one):\n    return one.x", "max(inputs, key=self.h)"),
    "static": ("@staticmethod\ndef h(one):\n    return one.x", "self.h(inputs[k])"),
    "by the class": ("@staticmethod\ndef h(one):\n    return one.x", "F.h(inputs[k])"),
    "classmethod": ("@classmethod\ndef h(cls, one):\n    return one.x", "self.h(inputs[k])"),
    "called on an input": ("def h(self):\n    return self.x", "inputs[k].h()"),
    "property of an input": ("@property\ndef h(self):\n    return self.x", "inputs[k].h"),
    "handed on": (
        "def g(self, i):\n    return i\ndef h(self, i):\n    return self.g(i)",
        "self.h(inputs[k]).x",
    ),
    "varargs": ("def h(self, *l, **d):\n    return [i.x for i in l]", "self.h(*inputs)"),
    "a generator": (
        "def h(self, l):\n    for i in l:\n        yield i",
        "[i.x for i in self.h(inputs)]",
    ),
}


@pytest.mark.parametrize("case", HELPERS)
def test_helper_of_the_flow_is_followed(case: str) -> None:
    """What a method is handed is bound to its parameters."""
    members, body = HELPERS[case]

    assert input_reads(body, members=members) == "x"


def test_function_of_the_module_is_followed() -> None:
    """A module-level function is followed as a method is."""
    above = "def best(all):\n    return max(all, key=score)\ndef score(i):\n    return i.s"

    assert input_reads("self.m = best(inputs).m", above=above) == "m s"


DOUBTS = {
    "print(inputs.a); foo(inputs)": "an input is handed to foo",
    "foo(inputs[0])": "an input is handed to foo",
    "foo(x=[i for i in inputs])": "an input is handed to foo",
    "self.first = inputs[0]": "the flow or an input is stored in self.first",
    "d[k] = inputs[0]": "the flow or an input is stored in d",
    "z.l.append(inputs[0])": "an input is handed to z.l.append",
    "global g\ng = inputs[0]": "the flow or an input is stored in g, which is not local",
    "getattr(inputs[0], n)": "reads an artifact by a computed name",
    "getattr(inputs[0], f'a{n}')": "reads an artifact by a computed name",
    "vars(inputs)": "__dict__ is used as a whole",
}


@pytest.mark.parametrize("body", DOUBTS)
def test_what_can_not_be_followed_is_doubted(body: str) -> None:
    """An input that goes somewhere unknown may be read there."""
    assert doubts(body) == DOUBTS[body]


def test_item_of_an_input_is_what_was_iterated_over() -> None:
    """`i.input` reads the artifact that `foreach=` names."""
    result = flow_code(
        HEAD
        + """
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.a, foreach="xs")
    @step
    def a(self):
        self.next(self.join)
    @step
    def join(self, inputs):
        self.y = [i.input for i in inputs]
"""
    )

    assert [read.name for read in result.steps["join"].input_reads] == ["xs"]
