"""A static split, a foreach in one branch, and joins that merge and choose."""

import pandas as pd
from metaflow import FlowSpec, Parameter, card, step


class FanFlow(FlowSpec):
    """start -> (many -> each x 3 -> gather, once) -> meet -> end."""

    factor = Parameter("factor", default=10)

    @step
    def start(self):
        """Make what all branches see."""
        self.base = pd.DataFrame({"n": range(4)})
        self.next(self.many, self.once)

    @step
    def many(self):
        """Fan out."""
        self.items = ["a", "b", "c"]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Make a number, a text, a curve and a frame per item."""
        self.item = self.input
        self.score = self.factor * (self.index + 1)
        self.curve = [float(self.index), float(self.index) / 2]
        self.part = self.base.assign(item=self.item)
        print(f"working on {self.item}")
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Choose one part and collect the scores."""
        self.part = inputs[1].part
        self.scores = [one.score for one in inputs]
        self.merge_artifacts(inputs, include=["base"])
        self.next(self.meet)

    @step
    def once(self):
        """Make something in the other branch."""
        self.side = pd.DataFrame({"side": [1]})
        self.next(self.meet)

    @step
    def meet(self, inputs):
        """Merge both branches."""
        self.merge_artifacts(inputs)
        self.next(self.end)

    @card
    @step
    def end(self):
        """Make the last frame."""
        self.total = self.part.assign(side=len(self.side))


if __name__ == "__main__":
    FanFlow()
