"""In a foreach, a switch that can lead past a step."""

from metaflow import FlowSpec, step


class SwitchSkipInFan(FlowSpec):
    """start -> each x 2 -> (extra ->) settle x 2 -> gather -> end."""

    @step
    def start(self):
        """Fan out."""
        self.items = ["plain", "extra"]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Choose by the item."""
        self.kind = self.input
        self.score = 1
        self.next({"extra": self.extra, "plain": self.settle}, condition="kind")

    @step
    def extra(self):
        """Change the score."""
        self.score += 10
        self.next(self.settle)

    @step
    def settle(self):
        """Read what one of two steps wrote."""
        self.settled = self.score
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Collect."""
        self.scores = sorted(one.settled for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.best = self.scores[-1]


if __name__ == "__main__":
    SwitchSkipInFan()
