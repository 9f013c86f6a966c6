"""A flow that asks to be synced as soon as it has ended, however it ends."""

from metaflow import FlowSpec, Parameter, exit_hook, step


@exit_hook(on_success=["mfwb.hooks.sync"], on_error=["mfwb.hooks.sync"])
class HookedFlow(FlowSpec):
    """start -> end, which can fail."""

    fail = Parameter("fail", default=False, type=bool)

    @step
    def start(self):
        """Make something."""
        self.score = 0.5
        self.next(self.end)

    @step
    def end(self):
        """Fail, if that is wanted."""
        if self.fail:
            raise ValueError("as was asked")


if __name__ == "__main__":
    HookedFlow()
