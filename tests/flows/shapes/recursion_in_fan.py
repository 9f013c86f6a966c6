"""In a foreach, a step that goes back to itself as often as its item says."""

from metaflow import FlowSpec, step


class RecursionInFan(FlowSpec):
    """start -> prepare x 2 -> loop x (1 + 2) -> settle x 2 -> gather -> end."""

    @step
    def start(self):
        """Fan out."""
        self.rounds = [1, 2]
        self.next(self.prepare, foreach="rounds")

    @step
    def prepare(self):
        """Begin to count."""
        self.left = self.input
        self.done = 0
        self.next(self.loop)

    @step
    def loop(self):
        """Each round reads what the one before wrote."""
        self.left -= 1
        self.done += 1
        self.state = "more" if self.left else "enough"
        self.next({"more": self.loop, "enough": self.settle}, condition="state")

    @step
    def settle(self):
        """Read what the last round wrote."""
        self.settled = self.done
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Collect."""
        self.rounds_done = [one.settled for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.most = max(self.rounds_done)


if __name__ == "__main__":
    RecursionInFan()
