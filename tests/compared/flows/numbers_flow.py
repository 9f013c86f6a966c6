"""Numbers of every size, texts, and containers of them; many equal to what was there before."""

import math

from metaflow import FlowSpec, JSONType, Parameter, step


class NumbersFlow(FlowSpec):
    """start -> work x 4 -> join -> end."""

    unit = "meter"
    seed = Parameter("seed", default=0)
    large = Parameter("large", default=2**53 + 1)
    overrides = Parameter("overrides", type=JSONType, default="{}")
    nested = Parameter("nested", type=JSONType, default='{"a": {}, "b": [], "c": {"d": {}}}')
    text = Parameter("text", default="")
    share = Parameter("share", default=0.1)
    on = Parameter("on", default=True)

    @step
    def start(self):
        """Write many, by their names."""
        self.failures = 0
        self.best = self.seed
        self.ok = True
        self.flag = False
        self.whole = 2**53 + 2 * self.seed + 1
        self.negative = -(2**63)
        self.entropy = 2**127 + 12345
        self.hash64 = 2**64 - 1
        self.ids = [2**63 + 1, 2**64 - 1, self.seed]
        self.tiny = 5e-324
        self.minus_zero = -0.0
        self.half = self.seed / 2
        self.nan = float("nan")
        self.infinite = {"up": math.inf, "down": [-math.inf, float("nan")]}
        self.errors = {}
        self.warnings = []
        self.mixed = {"a": {}, "b": 1, "c": [], "d": "", "e": None}
        self.pair = (1, "x")
        self.names = {"b", "a"}
        self.nothing = None
        self.empty = ""
        self.german = 'grün\n\t"quoted" \\ 日本 😀'
        self.numbered = {1: "one", 2: "two"}
        self.losses = [1.0, 0.5 + self.seed, 0.25]
        self.counts = [3, 2]
        self.deep = [[[1]], {"x": [{"y": (1, 2)}]}]
        self.seconds = 7
        self.tasks = "taken"
        self._own = "private"
        self.items = [1, 2, 3, 4]
        print("start", self.seed)
        self.next(self.work, foreach="items")

    @step
    def work(self):
        """Write what is equal to what was there, in some tasks."""
        self.failures = 10 if self.input == 4 else 0
        self.score = 0.5
        self.own = self.input * 1.5 + self.seed
        self.name_of_it = f"item {self.input}"
        self.ok = True
        self.seen = [self.input] * self.input
        self.extra = {"input": self.input, "empty": {}}
        self.maybe = None if self.input % 2 else self.input
        self.curve = [self.input / (n + 1) for n in range(3)]
        self.seconds = self.seconds + self.input
        print(f"working on {self.input}")
        print("and\tmore")
        self.next(self.join)

    @step
    def join(self, inputs):
        """Sum up."""
        self.failures = sum(one.failures for one in inputs)
        self.best = max(one.own for one in inputs)
        self.ok = all(one.ok for one in inputs)
        self.score = inputs[0].score
        self.scores = [one.own for one in inputs]
        self.merge_artifacts(inputs, include=["losses", "warnings"])
        self.next(self.end)

    @step
    def end(self):
        """Change in place, and write an equal one."""
        self.losses.append(0.125)
        self.warnings = []
        self.failures = self.failures + 0


if __name__ == "__main__":
    NumbersFlow()
