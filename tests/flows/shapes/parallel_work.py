"""Tasks that run at once: `num_parallel`."""

from metaflow import FlowSpec, current, parallel, step


class ParallelWork(FlowSpec):
    """start -> work x 2 -> gather -> end."""

    @step
    def start(self):
        """Fan out."""
        self.base = 7
        self.next(self.work, num_parallel=2)

    @parallel
    @step
    def work(self):
        """Read what was there before."""
        self.share = self.base + current.parallel.node_index
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Collect."""
        self.shares = [one.share for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.total = sum(self.shares)


if __name__ == "__main__":
    ParallelWork()
