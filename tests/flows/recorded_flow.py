"""A flow that old versions of Metaflow run as well: `make old-flow-runs` records it with each.

Its values need no package, and Python 3.8 can read them.
"""

import datetime as dt

from metaflow import FlowSpec, JSONType, Parameter, card, catch, current, retry, step


class RecordedFlow(FlowSpec):
    """A foreach between two branches, a second attempt, a caught failure, and a card."""

    count = Parameter("count", default=3, type=int)
    title = Parameter("title", default="recorded")
    options = Parameter("options", default='{"deep": [1, {"a": null}]}', type=JSONType)

    @step
    def start(self):
        """Begin with one value of each plain type."""
        print("started äöü")
        self.numbers = list(range(self.count))
        self.facts = {"rate": 0.25, "large": 2**60, "nothing": None, "flags": [True, False]}
        self.moment = dt.datetime(2023, 5, 6, 7, 8, 9)  # noqa: DTZ001 - users have such
        self.content = b"\x00\x01" * 2000
        self.words = {"b", "a"}
        self.passed_on = "from start"
        self.next(self.double, foreach="numbers")

    @retry(times=1, minutes_between_retries=0)
    @step
    def double(self):
        """Fail once in the second task."""
        self.doubled = 2 * self.input
        if self.input == 1 and current.retry_count == 0:
            raise ValueError("the first attempt fails")
        print("doubled", self.doubled)
        self.next(self.collect)

    @step
    def collect(self, inputs):
        """Join the tasks."""
        self.total = sum(one.doubled for one in inputs)
        self.merge_artifacts(inputs, exclude=["doubled"])
        self.next(self.split)

    @step
    def split(self):
        """Split, and write nothing."""
        self.next(self.left, self.right)

    @catch(var="problem")
    @step
    def left(self):
        """Fail, and be caught."""
        self.side = "left"
        self.broken = 1 / 0
        self.next(self.end_of_branches)

    @card(type="html")
    @step
    def right(self):
        """Show a card."""
        self.side = "right"
        self.html = "<p>" + self.passed_on + ", total " + str(self.total) + "</p>"
        self.next(self.end_of_branches)

    @step
    def end_of_branches(self, inputs):
        """Join the branches, of which one value differs."""
        self.sides = [one.side for one in inputs]
        self.total = inputs.right.total
        self.passed_on = inputs.left.passed_on
        self.next(self.end)

    @step
    def end(self):
        """Use what came through all steps."""
        self.last = self.passed_on + " to the end, " + str(self.total)


if __name__ == "__main__":
    RecordedFlow()
