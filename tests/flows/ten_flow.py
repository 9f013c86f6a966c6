"""Ten steps in a row, each of which has something to say."""

from metaflow import FlowSpec, step


class TenFlow(FlowSpec):
    """Ten steps."""

    @step
    def start(self):
        """Make a list."""
        self.values = [0]
        self.next(self.two)

    @step
    def two(self):
        """Add to it."""
        self.values = [*self.values, 2]
        self.next(self.three)

    @step
    def three(self):
        """Add to it."""
        self.values = [*self.values, 3]
        self.next(self.four)

    @step
    def four(self):
        """Add to it."""
        self.values = [*self.values, 4]
        self.next(self.five)

    @step
    def five(self):
        """Add to it."""
        self.values = [*self.values, 5]
        self.next(self.six)

    @step
    def six(self):
        """Add to it."""
        self.values = [*self.values, 6]
        self.next(self.seven)

    @step
    def seven(self):
        """Add to it."""
        self.values = [*self.values, 7]
        self.next(self.eight)

    @step
    def eight(self):
        """Add to it."""
        self.values = [*self.values, 8]
        self.next(self.nine)

    @step
    def nine(self):
        """Add to it."""
        self.values = [*self.values, 9]
        self.next(self.end)

    @step
    def end(self):
        """Sum it up."""
        self.total = sum(self.values)


if __name__ == "__main__":
    TenFlow()
