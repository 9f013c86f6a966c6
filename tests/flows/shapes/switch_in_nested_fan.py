"""Ways of a switch that meet at the join of a nested foreach."""

from metaflow import FlowSpec, step


class SwitchInNestedFan(FlowSpec):
    """start -> outer x 1 -> decide x 2 -> odd or even -> join_inner -> join_outer -> end."""

    @step
    def start(self):
        """Fan out."""
        self.outers = [[1, 2]]
        self.next(self.outer, foreach="outers")

    @step
    def outer(self):
        """Fan out again."""
        self.numbers = self.input
        self.next(self.decide, foreach="numbers")

    @step
    def decide(self):
        """Choose by the item."""
        self.number = self.input
        self.kind = "odd" if self.number % 2 else "even"
        self.next({"odd": self.odd, "even": self.even}, condition="kind")

    @step
    def odd(self):
        """Write what the other way writes too."""
        self.answer = self.number * 3 + 1
        self.next(self.join_inner)

    @step
    def even(self):
        """Write what the other way writes too."""
        self.answer = self.number // 2
        self.next(self.join_inner)

    @step
    def join_inner(self, inputs):
        """Collect from both ways."""
        self.answers = [one.answer for one in inputs]
        self.next(self.join_outer)

    @step
    def join_outer(self, inputs):
        """Collect again."""
        self.answers = [one.answers for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.count = len(self.answers)


if __name__ == "__main__":
    SwitchInNestedFan()
