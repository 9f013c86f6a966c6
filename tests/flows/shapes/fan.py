"""A foreach."""

from metaflow import FlowSpec, Parameter, step


class Fan(FlowSpec):
    """start -> each x 3 -> gather -> end."""

    factor = Parameter("factor", default=2)

    @step
    def start(self):
        """Fan out."""
        self.items = [1, 2, 3]
        self.label = "for all"
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Read the item."""
        self.number = self.input * self.factor
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Collect from all."""
        self.numbers = [one.number for one in inputs]
        self.merge_artifacts(inputs, include=["label"])
        self.next(self.end)

    @step
    def end(self):
        """Read what was merged and what was collected."""
        self.text = f"{self.label}: {self.numbers}"


if __name__ == "__main__":
    Fan()
