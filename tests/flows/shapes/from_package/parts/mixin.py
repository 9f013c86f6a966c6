"""A mixin that is no flow."""


class Counting:
    """Counts."""

    @property
    def count(self):
        """Read an artifact."""
        return len(self.items)

    def mix(self):
        """Read and write."""
        self.mixed = self.count + 1
