"""A foreach inside one branch of a static split."""

from metaflow import FlowSpec, step


class FanInSplit(FlowSpec):
    """start -> (many -> each x 2 -> gather, once) -> meet -> end."""

    @step
    def start(self):
        """Split."""
        self.base = [1, 2]
        self.next(self.many, self.once)

    @step
    def many(self):
        """Fan out over what was written before."""
        self.next(self.each, foreach="base")

    @step
    def each(self):
        """Read the item."""
        self.square = self.input**2
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Choose one of the siblings' and hand it on."""
        self.square = inputs[1].square
        self.merge_artifacts(inputs, include=["base"])
        self.next(self.meet)

    @step
    def once(self):
        """Go the other way."""
        self.side = sum(self.base)
        self.next(self.meet)

    @step
    def meet(self, inputs):
        """Merge both branches."""
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        """Read from both."""
        self.total = self.square + self.side + len(self.base)


if __name__ == "__main__":
    FanInSplit()
