"""Two steps that go back to themselves, one right behind the other."""

from metaflow import FlowSpec, step


class TwoRecursions(FlowSpec):
    """start -> up x 2 -> down x 2 -> end."""

    @step
    def start(self):
        """Begin."""
        self.level = 0
        self.label = "unread"
        self.next(self.up)

    @step
    def up(self):
        """Go up to two."""
        self.level = self.level + 1
        self.more = self.level < 2
        self.next({True: self.up, False: self.down}, condition="more")

    @step
    def down(self):
        """Go down to nothing."""
        self.level = self.level - 1
        self.enough = self.level == 0
        self.next({True: self.end, False: self.down}, condition="enough")

    @step
    def end(self):
        """Read."""
        self.last = self.level


if __name__ == "__main__":
    TwoRecursions()
