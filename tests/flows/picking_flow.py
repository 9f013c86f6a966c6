"""A flow whose joins pick one of several, by name, by another name, or one of equal ones."""

from types import SimpleNamespace

import pandas as pd
from metaflow import FlowSpec, step


class PickingFlow(FlowSpec):
    """start -> train x 2 -> tune x 2 -> pick_trial -> pick -> rounds x 3 -> end."""

    @step
    def start(self):
        """Fan out."""
        self.data = SimpleNamespace(rows=[1, 2, 3])
        self.items = [0, 1]
        self.next(self.train, foreach="items")

    @step
    def train(self):
        """Make candidates, and fan out again."""
        self.table = pd.DataFrame({"n": [self.input, self.data.rows[0]]})
        self.same = SimpleNamespace(of="all")
        self.number = self.input
        self.trials = [0, 1]
        self.next(self.tune, foreach="trials")

    @step
    def tune(self):
        """Make more candidates."""
        self.model = SimpleNamespace(name="model", of=[self.number, self.input])
        self.next(self.pick_trial)

    @step
    def pick_trial(self, inputs):
        """Pick among the inner siblings."""
        self.model = inputs[1 - inputs[0].number].model
        self.merge_artifacts(inputs, include=["table", "same", "number", "data"])
        self.next(self.pick)

    @step
    def pick(self, inputs):
        """Pick among the outer siblings, and once by another name."""
        best = max(inputs, key=lambda each: each.number)
        self.model = best.model
        self.first = inputs[0].model
        self.table = inputs[0].table
        self.merge_artifacts(inputs, include=["same", "data"])
        self.round = 0
        self.next(self.refine)

    @step
    def refine(self):
        """Make another state in each round."""
        self.round += 1
        self.state = SimpleNamespace(round=self.round, model=self.model)
        self.again = "yes" if self.round < 3 else "no"
        self.next({"yes": self.refine, "no": self.end}, condition="again")

    @step
    def end(self):
        """Use them."""
        print(self.model, self.table, self.same, self.state)


if __name__ == "__main__":
    PickingFlow()
