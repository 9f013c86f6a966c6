"""Two ways of a switch fan out into the same body; the switch itself can lead past the foreach."""

from metaflow import FlowSpec, Parameter, step


class SwitchFan(FlowSpec):
    """start -> (few or many) -> body x 2 -> gather -> end."""

    amount = Parameter("amount", default="few")

    @step
    def start(self):
        """Choose by a parameter."""
        self.prefix = "p"
        self.next({"few": self.few, "many": self.many}, condition="amount")

    @step
    def few(self):
        """Fan out over two."""
        self.items = [1, 2]
        self.next(self.body, foreach="items")

    @step
    def many(self):
        """Fan out over three, never."""
        self.items = [1, 2, 3]
        self.next(self.body, foreach="items")

    @step
    def body(self):
        """Read the item, whichever way it came."""
        self.text = f"{self.prefix}{self.input}"
        self.next(self.gather)

    @step
    def gather(self, inputs):
        """Collect."""
        self.texts = [one.text for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        """Read."""
        self.joined = "".join(self.texts)


if __name__ == "__main__":
    SwitchFan()
