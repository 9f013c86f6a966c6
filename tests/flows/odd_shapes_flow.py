"""Values of many shapes: what W&B gets of them is what they are."""

import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import uuid
from collections import namedtuple
from zoneinfo import ZoneInfo

import numpy as np
from metaflow import Config, FlowSpec, JSONType, Parameter, step

Pair = namedtuple("Pair", "a b")  # noqa: PYI024 - as people write it


class Color(enum.Enum):
    """A plain enum."""

    RED = 1


@dataclasses.dataclass
class Setup:
    """A plain dataclass."""

    rate: float = 0.1
    steps: tuple = (1, 2)


class OddShapesFlow(FlowSpec):
    """Whatever people assign."""

    seed = Parameter("seed", default=2**127 + 12345)
    nested = Parameter("nested", type=JSONType, default='{"a": {}, "b": 1, "c": {"d": {}}}')
    empty = Parameter("empty", type=JSONType, default="{}")
    long = Parameter("long", default="p" * 6_000_000)
    setup = Config("setup", default_value='{"a": {"e": {}}, "l": [1]}')

    @step
    def start(self):
        """Assign."""
        import pandas as pd
        from sklearn.linear_model import LinearRegression

        self.entropy = 2**127 + 12345
        self.ids = [2**63 + 1, 2]
        self.huge = 10**400
        self.errors = {}
        self.mixed = {"a": {}, 1: "x", "1": "y"}
        self.media = {"_type": "table-file", "path": "nowhere"}
        self.day = dt.date(2026, 2, 28)
        self.moment = dt.datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))
        self.price = decimal.Decimal("1.10")
        self.uuid = uuid.UUID(int=5)
        self.color = Color.RED
        self.fields = Setup()
        self.pair = Pair(1, 2)
        self.text = np.str_("s")
        self.config = self.setup
        self.numbers = range(3)
        self.array = np.arange(3)
        self.scores = {"test": np.array([0.5, 1.0]), "mean": np.float64(0.75)}
        self.weights = {"acc": 0.5, "w": np.zeros((50, 50))}
        self.kinds = {"linear": LinearRegression, "number": int}
        self.kind = LinearRegression
        itself = {"k": 1}
        itself["self"] = itself
        self.itself = itself
        deep = []
        for _ in range(150):
            deep = [deep]
        self.deep = deep
        self.out_dir = pathlib.Path("models/run1")
        self.pure = pathlib.PurePosixPath("/a/b")
        self.cells = pd.DataFrame({"a": [{"a": 1}, {"b": "x"}]})
        self.frame = pd.DataFrame({"a": [1, 2]})
        setattr(self, "t:b", self.frame + 1)  # the name of a drive, as W&B sees it
        for number in range(81):
            setattr(self, f"page{number:02}", f"{number:02}" + "y" * 89_998)
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        """Make numbers that no float holds."""
        self.hash = 2**64 - 1 - self.input
        self.found = {} if self.input else np.array([1])
        self.next(self.join)

    @step
    def join(self, inputs):  # noqa: ARG002
        """Drop them."""
        self.next(self.end)

    @step
    def end(self):
        """Fail with a long message."""
        if self.empty == {}:
            raise ValueError("z" * 150_000)


if __name__ == "__main__":
    OddShapesFlow()
