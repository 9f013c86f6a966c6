"""Ten steps in a row; each makes an artifact of the one before it, a curve, a log and values."""
# mypy: allow-subclassing-any, allow-untyped-decorators

from __future__ import annotations

from metaflow import FlowSpec, step

_ROWS = 12


class OnlineFlow(FlowSpec):
    """Ten steps."""

    def work(self, number: int) -> None:
        """Make what each step makes."""
        self.loss = [1.0 / (number + row) for row in range(1, _ROWS + 1)]
        self.score = number / 10
        self.note = f"step {number}"
        for row in range(_ROWS):
            print(f"{number}: row {row} of {_ROWS}")

    @step
    def start(self) -> None:
        """Step 1."""
        self.state = bytes(1000)
        self.work(1)
        self.next(self.two)

    @step
    def two(self) -> None:
        """Step 2."""
        self.state = self.state + bytes([1]) * 1000
        self.work(2)
        self.next(self.three)

    @step
    def three(self) -> None:
        """Step 3."""
        self.state = self.state + bytes([2]) * 1000
        self.work(3)
        self.next(self.four)

    @step
    def four(self) -> None:
        """Step 4."""
        self.state = self.state + bytes([3]) * 1000
        self.work(4)
        self.next(self.five)

    @step
    def five(self) -> None:
        """Step 5."""
        self.state = self.state + bytes([4]) * 1000
        self.work(5)
        self.next(self.six)

    @step
    def six(self) -> None:
        """Step 6."""
        self.state = self.state + bytes([5]) * 1000
        self.work(6)
        self.next(self.seven)

    @step
    def seven(self) -> None:
        """Step 7."""
        self.state = self.state + bytes([6]) * 1000
        self.work(7)
        self.next(self.eight)

    @step
    def eight(self) -> None:
        """Step 8."""
        self.state = self.state + bytes([7]) * 1000
        self.work(8)
        self.next(self.nine)

    @step
    def nine(self) -> None:
        """Step 9."""
        self.state = self.state + bytes([8]) * 1000
        self.work(9)
        self.next(self.end)

    @step
    def end(self) -> None:
        """Step 10."""
        self.state = self.state + bytes([9]) * 1000
        self.work(10)


if __name__ == "__main__":
    OnlineFlow()
