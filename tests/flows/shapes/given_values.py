"""Parameters, a config, a file and a constant: some read, some not."""

from metaflow import Config, FlowSpec, IncludeFile, JSONType, Parameter, step


class GivenValues(FlowSpec):
    """start -> (left, right) -> meet -> end."""

    unit = "meter"
    forgotten = "a constant that nobody reads"
    rate = Parameter("rate", default=0.5)
    depth = Parameter("depth", type=JSONType, default='{"max": 2}')
    unused = Parameter("unused", default="never read")
    settings = Config("settings", default_value='{"size": 3}')
    words = IncludeFile("words", default="words.txt")

    @step
    def start(self):
        """Read none."""
        self.base = 1
        self.next(self.left, self.right)

    @step
    def left(self):
        """Read a config and a constant."""
        self.length = f"{self.settings.size} {self.unit}"
        self.next(self.meet)

    @step
    def right(self):
        """Read a file and a parameter."""
        self.lines = len(self.words.splitlines()) * self.rate
        self.next(self.meet)

    @step
    def meet(self, inputs):
        """Read a parameter off itself."""
        self.rows = [inputs.left.length, inputs.right.lines, self.depth["max"]]
        self.next(self.end)

    @step
    def end(self):
        """Read none of them."""
        self.count = len(self.rows)


if __name__ == "__main__":
    GivenValues()
