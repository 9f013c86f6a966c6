"""The flow itself: one step, and the rest inherited."""

from metaflow import step
from parts.base import Base
from parts.mixin import Counting


class FromPackage(Counting, Base):
    """start -> work -> finish -> end."""

    @step
    def work(self):
        """Use a helper of the base class."""
        self.items = [self.scaled(number) for number in range(3)]
        self.next(self.finish)

    @step
    def finish(self):
        """Use a helper of the mixin."""
        self.mix()
        self.result = sum(self.items)
        self.next(self.end)


if __name__ == "__main__":
    FromPackage()
