"""A split inside a branch of a split."""

from metaflow import FlowSpec, step


class NestedSplit(FlowSpec):
    """start -> (a -> (a1, a2) -> inner, b) -> outer -> end."""

    @step
    def start(self):
        """Split."""
        self.seed = 5
        self.next(self.a, self.b)

    @step
    def a(self):
        """Split again."""
        self.from_a = self.seed * 2
        self.next(self.a1, self.a2)

    @step
    def a1(self):
        """Read what its branch wrote."""
        self.one = self.from_a + 1
        self.next(self.inner)

    @step
    def a2(self):
        """Read what all have."""
        self.two = self.seed + 2
        self.next(self.inner)

    @step
    def inner(self, inputs):
        """Merge."""
        self.merge_artifacts(inputs)
        self.next(self.outer)

    @step
    def b(self):
        """Go the other way."""
        self.from_b = "b"
        self.next(self.outer)

    @step
    def outer(self, inputs):
        """Read of both branches."""
        self.sums = inputs.inner.one + inputs.inner.two
        self.text = inputs.b.from_b
        self.merge_artifacts(inputs, include=["seed", "from_a"])
        self.next(self.end)

    @step
    def end(self):
        """Read what went through both joins."""
        self.last = self.seed + self.from_a + self.sums


if __name__ == "__main__":
    NestedSplit()
