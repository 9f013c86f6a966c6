"""A foreach in a foreach, not equally wide everywhere."""

from metaflow import FlowSpec, step


class NestedFan(FlowSpec):
    """start -> outer x 2 -> inner x (2 + 1) -> join_inner x 2 -> join_outer -> end."""

    @step
    def start(self):
        """Fan out."""
        self.outers = ["ab", "c"]
        self.next(self.outer, foreach="outers")

    @step
    def outer(self):
        """Fan out again."""
        self.letters = list(self.input)
        self.weight = len(self.letters)
        self.next(self.inner, foreach="letters")

    @step
    def inner(self):
        """Read the items of both levels."""
        self.word = "".join(value for _, _, value in self.foreach_stack()) * self.weight
        self.next(self.join_inner)

    @step
    def join_inner(self, inputs):
        """Collect."""
        self.words = [one.word for one in inputs]
        self.merge_artifacts(inputs, exclude=["word"])
        self.next(self.join_outer)

    @step
    def join_outer(self, inputs):
        """Collect again."""
        self.all = [one.words for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.count = len(self.all)


if __name__ == "__main__":
    NestedFan()
