"""A flow whose steps assign values that come out equal to what they were handed."""

from metaflow import FlowSpec, catch, step


class EqualFlow(FlowSpec):
    """start -> work x 4 -> join -> end."""

    @step
    def start(self):
        """Set what others will set again."""
        self.failures = 0
        self.best = 7
        self.ok = True
        self.exact = 2**53 + 1
        setattr(self, "with-dash", 1)
        self.items = [1, 2, 3, 4]
        self.next(self.work, foreach="items")

    @catch(var="broke", print_exception=False)
    @step
    def work(self):
        """Fail in one of four, and count ten failures in another."""
        self.failures = 10 if self.input == 4 else 0
        self.share = 12 / (self.input - 2)
        self.next(self.join)

    @step
    def join(self, inputs):
        """Sum up to what one of the inputs has."""
        self.failures = sum(one.failures for one in inputs)
        self.best = max(one.best for one in inputs)
        self.ok = all(one.ok for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        """Pass it all on."""
        print(self.best)


if __name__ == "__main__":
    EqualFlow()
