"""A foreach whose tasks write values and files, and a join that uses those of all."""

from fractions import Fraction

from metaflow import FlowSpec, step


class ManyFlow(FlowSpec):
    """start -> each x 2 -> gather -> end; tests copy it with more tasks of `each`."""

    @step
    def start(self):
        """Fan out."""
        self.base = Fraction(1, 3)
        self.items = [0, 1]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Write a file, a text, a number and a curve."""
        self.model = Fraction(self.index, 7)
        self.shop = f"shop-{self.index}"
        self.score = self.index / 4
        self.curve = [float(self.index), 1.0, 2.0]
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Use what all of them wrote."""
        self.merge_artifacts(inputs, include=["base"])
        self.best = max(inputs, key=lambda task: task.score).model
        self.shops = sorted(task.shop for task in inputs)
        self.next(self.end)

    @step
    def end(self):
        """Use the best."""
        self.total = float(self.best + self.base)


if __name__ == "__main__":
    ManyFlow()
