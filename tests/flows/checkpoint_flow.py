"""Saves checkpoints and models, and loads them; needs metaflow-checkpoint."""

import tempfile
from pathlib import Path

from metaflow import FlowSpec, card, checkpoint, current, load_model, model, retry, step


def _folder(epoch):
    """Return a folder with the weights and the state of an optimizer."""
    folder = Path(tempfile.mkdtemp())
    (folder / "weights.bin").write_bytes(bytes([epoch]) * 300)
    (folder / "state").mkdir()
    (folder / "state" / "optimizer.txt").write_text(f"epoch {epoch}", encoding="utf-8")
    return folder


# The package adds these cards itself, and has each of them rendered every two seconds, by a process
# of its own. With S3 that takes longer than all else. Cards that are there already it leaves alone.


class CheckpointFlow(FlowSpec):
    """start -> train -> test -> fan -> each (foreach) -> join -> end."""

    @step
    def start(self):
        """Write a plain dict, which refers to nothing."""
        self.settings = {"type": "checkpoint", "key": "a/b", "epochs": 3}
        self.next(self.train)

    @retry(times=1, minutes_between_retries=0)
    @card(type="blank", id="model_card", refresh_interval=3600)
    @card(type="blank", id="task_checkpoints", refresh_interval=3600)
    @checkpoint(show_card=False)
    @model
    @step
    def train(self):
        """Save a checkpoint for each epoch; the first attempt fails after one of them."""
        self.resumed = current.checkpoint.is_loaded
        for epoch in range(3):
            noted = {"epoch": epoch, "loss": 1 / (epoch + 1)}
            saved = current.checkpoint.save(str(_folder(epoch)), name="epochs", metadata=noted)
            if not self.resumed:
                raise ValueError("the first attempt")
        self.last = saved
        self.packed = current.checkpoint.save(str(_folder(7)), name="packed", storage_format="tar")
        weights = str(_folder(8) / "weights.bin")
        self.net = current.model.save(weights, label="best", metadata={"accuracy": 0.9})
        self.net_folder = current.model.save(str(_folder(9)), storage_format="files")
        self.next(self.test)

    @card(type="blank", id="model_card", refresh_interval=3600)
    @model(load="net")
    @step
    def test(self):
        """Load one by the decorator, and one by its reference."""
        self.loaded = sorted(path.name for path in Path(current.model.loaded["net"]).iterdir())
        self.weights = (Path(current.model.load(self.last)) / "weights.bin").read_bytes()[0]
        self.next(self.fan)

    @step
    def fan(self):
        """Begin a foreach."""
        self.rates = [0.5, 0.25]
        self.next(self.each, foreach="rates")

    @card(type="blank", id="task_checkpoints", refresh_interval=3600)
    @checkpoint(show_card=False)
    @step
    def each(self):
        """Save a checkpoint for each item."""
        path = Path(tempfile.mkdtemp()) / "rate.txt"
        path.write_text(str(self.input), encoding="utf-8")
        self.candidate = current.checkpoint.save(str(path), metadata={"rate": self.input})
        self.next(self.join)

    @step
    def join(self, inputs):
        """Choose one of them."""
        self.chosen = inputs[1].candidate
        self.next(self.end)

    @step
    def end(self):
        """Load the chosen one."""
        folder = tempfile.mkdtemp()
        load_model(self.chosen, folder)
        self.rate = float((Path(folder) / "rate.txt").read_text(encoding="utf-8"))


if __name__ == "__main__":
    CheckpointFlow()
