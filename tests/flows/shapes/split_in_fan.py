"""A static split inside a foreach."""

from metaflow import FlowSpec, step


class SplitInFan(FlowSpec):
    """start -> each x 2 -> (up, down) x 2 -> meet x 2 -> gather -> end."""

    @step
    def start(self):
        """Fan out."""
        self.items = [1, 2]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Split."""
        self.number = self.input
        self.next(self.up, self.down)

    @step
    def up(self):
        """Read what was written before the split."""
        self.upper = self.number + 1
        self.next(self.meet)

    @step
    def down(self):
        """Read the item of the foreach two steps above."""
        self.lower = self.input - 1
        self.next(self.meet)

    @step
    def meet(self, inputs):
        """Merge all, read one."""
        self.merge_artifacts(inputs)
        self.span = self.upper - inputs.down.lower
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Collect."""
        self.spans = [one.span for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.widest = max(self.spans)


if __name__ == "__main__":
    SplitInFan()
