"""A switch inside a branch of a static split."""

from metaflow import FlowSpec, step


class SwitchInSplit(FlowSpec):
    """start -> (choose -> yes or no, other) -> meet -> end."""

    @step
    def start(self):
        """Split."""
        self.flag = "no"
        self.base = 1
        self.next(self.choose, self.other)

    @step
    def choose(self):
        """Choose by what came from before."""
        self.next({"yes": self.yes, "no": self.no}, condition="flag")

    @step
    def yes(self):
        """Never happen."""
        self.said = "yes"
        self.next(self.meet)

    @step
    def no(self):
        """Read."""
        self.said = f"no {self.base}"
        self.next(self.meet)

    @step
    def other(self):
        """Go the other way."""
        self.beside = self.base + 1
        self.next(self.meet)

    @step
    def meet(self, inputs):
        """Merge whatever came."""
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        """Read from both."""
        self.text = f"{self.said} {self.beside}"


if __name__ == "__main__":
    SwitchInSplit()
