"""Joins that merge some, and all but some."""

from metaflow import FlowSpec, step


class Merges(FlowSpec):
    """start -> (a, b) -> some -> again -> (c, d) -> but_some -> end."""

    @step
    def start(self):
        """Split."""
        self.base = 1
        self.dropped = "by the first join"
        self.next(self.a, self.b)

    @step
    def a(self):
        """Write one."""
        self.from_a = self.base + 1
        self.next(self.some)

    @step
    def b(self):
        """Write one."""
        self.from_b = "b"
        self.next(self.some)

    @step
    def some(self, inputs):
        """Merge some."""
        self.merge_artifacts(inputs, include=["base", "from_a", "from_b"])
        self.next(self.again)

    @step
    def again(self):
        """Split again."""
        self.next(self.c, self.d)

    @step
    def c(self):
        """Write what the other branch writes differently."""
        self.clash = 1
        self.other = "c"
        self.from_c = self.from_a
        self.next(self.but_some)

    @step
    def d(self):
        """Write what the other branch writes differently."""
        self.clash = 2
        self.other = "d"
        self.next(self.but_some)

    @step
    def but_some(self, inputs):
        """Settle one clash, leave the other out, merge the rest and read of it."""
        self.clash = max(inputs.c.clash, inputs.d.clash)
        self.merge_artifacts(inputs, exclude=["other"])
        self.seen = self.from_c
        self.next(self.end)

    @step
    def end(self):
        """Read what went through both joins."""
        self.text = f"{self.base} {self.from_b} {self.seen} {self.clash}"


if __name__ == "__main__":
    Merges()
