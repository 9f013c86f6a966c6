"""A flow with many siblings, each of which makes a candidate; one of them is picked."""

from types import SimpleNamespace

from metaflow import FlowSpec, Parameter, step


class WideFlow(FlowSpec):
    """start -> train x width -> pick -> end."""

    width = Parameter("width", default=8)

    @step
    def start(self):
        """Fan out."""
        self.items = list(range(self.width))
        self.next(self.train, foreach="items")

    @step
    def train(self):
        """Make a candidate; every third one is like the first."""
        self.model = SimpleNamespace(number=self.input if self.input % 3 else 0)
        self.next(self.pick)

    @step
    def pick(self, inputs):
        """Pick one in the middle."""
        self.model = inputs[self.width // 2].model
        self.next(self.end)

    @step
    def end(self):
        """Use it."""
        print(self.model)


if __name__ == "__main__":
    WideFlow()
