"""Joins that read off their inputs in every way there is."""

from metaflow import FlowSpec, step


class ChosenInputs(FlowSpec):
    """start -> (a, b) -> meet -> spread -> each x 3 -> gather -> end."""

    @step
    def start(self):
        """Split."""
        self.seed = 1
        self.next(self.a, self.b)

    @step
    def a(self):
        """Write what the other branch writes too."""
        self.x = self.seed
        self.y = "a"
        self.z = [1]
        self.next(self.meet)

    @step
    def b(self):
        """Write what the other branch writes too."""
        self.x = self.seed + 1
        self.y = "b"
        self.z = [2]
        self.next(self.meet)

    @step
    def meet(self, inputs):
        """Read by the name of the branch, and through aliases."""
        branches = inputs
        first = branches.a
        self.xs = (inputs.a.x, first.x)
        self.y = branches.b.y
        self.next(self.spread)

    @step
    def spread(self):
        """Fan out."""
        self.items = ["one", "two", "three"]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Write several."""
        self.called = self.input
        self.score = len(self.called)
        self.model = {"name": self.called}
        self.weight = self.index
        self.unread = "by nobody"
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Read by position, in loops and by the best score."""
        self.score = inputs[0].score
        self.weights = sum(one.weight for one in inputs)
        best = max(inputs, key=lambda one: one.score)
        self.model = best.model
        self.labels = []
        for number, one in enumerate(inputs):
            self.labels.append((number, one.called))
        self.first_y = next(iter(inputs)).y
        self.next(self.end)

    @step
    def end(self):
        """Read what was chosen."""
        self.report = f"{self.model} {self.score} {self.labels}"


if __name__ == "__main__":
    ChosenInputs()
