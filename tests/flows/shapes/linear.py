"""Steps in a row: artifacts that pass through unread, and one that is written again."""

from metaflow import FlowSpec, step


class Linear(FlowSpec):
    """start -> middle -> late -> end."""

    @step
    def start(self):
        """Write."""
        self.far = "read at the end only"
        self.near = 1
        self.never = "read by nobody"
        self.next(self.middle)

    @step
    def middle(self):
        """Read one, write it again."""
        self.near = self.near + 1
        self.own = "own"
        self.length = len(self.own)
        self.next(self.late)

    @step
    def late(self):
        """Touch nothing."""
        self.next(self.end)

    @step
    def end(self):
        """Read what came from near and far."""
        self.result = f"{self.far} {self.near}"


if __name__ == "__main__":
    Linear()
