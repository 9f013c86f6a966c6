"""An artifact that every task of a foreach writes again, and that its join merges."""

from metaflow import FlowSpec, step


class OverwrittenInFan(FlowSpec):
    """start -> each x 2 -> gather -> end."""

    @step
    def start(self):
        """Write what will be overwritten."""
        self.items = [1, 2]
        self.common = "at first"
        self.kept = "as it was"
        self.state = 0
        self.next(self.each, foreach="items")

    @step
    def each(self):
        """Overwrite one alike, one differently."""
        self.common = f"{self.kept}, then changed"
        self.state = self.state + self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Merge what is alike."""
        self.state = sum(one.state for one in inputs)
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        """Read all of them."""
        self.text = f"{self.common} {self.kept} {self.state}"


if __name__ == "__main__":
    OverwrittenInFan()
