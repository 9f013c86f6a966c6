"""Retries, caught exceptions, cards of siblings, nested foreach; it ends well."""

import sys

from metaflow import FlowSpec, Parameter, card, catch, current, retry, step


class TroubleFlow(FlowSpec):
    """start -> outer x 2 -> inner x 2 or 3 -> collect -> gather -> spread -> risky -> end."""

    seed = Parameter("seed", default=0)

    @step
    def start(self):
        """Fan out."""
        self.outside = ["a", "b"]
        self.next(self.outer, foreach="outside")

    @step
    def outer(self):
        """Fan out once more."""
        self.letter = self.input
        self.inside = list(range(2 if self.letter == "a" else 3))
        self.next(self.inner, foreach="inside")

    @card(type="blank")
    @retry(times=1, minutes_between_retries=0)
    @step
    def inner(self):
        """Fail at first, once."""
        if self.letter == "b" and self.input == 1 and current.retry_count == 0:
            raise ValueError("not yet")
        self.number = self.input * 10 + self.seed
        self.key = f"{self.letter}{self.input}"
        print("inner", self.key)
        print("trouble", self.key, file=sys.stderr)
        self.next(self.collect)

    @step
    def collect(self, inputs):
        """Close the inner one."""
        self.numbers = [one.number for one in inputs]
        self.letter = inputs[0].letter
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Close the outer one."""
        self.total = sum(sum(one.numbers) for one in inputs)
        self.letters = [one.letter for one in inputs]
        self.next(self.spread)

    @step
    def spread(self):
        """Fan out again."""
        self.cases = [1, 2, 3]
        self.next(self.risky, foreach="cases")

    @catch(var="problem", print_exception=False)
    @step
    def risky(self):
        """Fail in one of three."""
        self.case = self.input
        if self.input == 2:
            raise KeyError("forgiven")
        self.result = self.input * 2
        self.next(self.meet)

    @step
    def meet(self, inputs):
        """Count what went well."""
        self.good = [one.case for one in inputs if one.problem is None]
        self.next(self.end)

    @step
    def end(self):
        """Say it."""
        print("good:", self.good)


if __name__ == "__main__":
    TroubleFlow()
