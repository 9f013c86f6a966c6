"""What people who use torch keep: modules, weights, checkpoints, optimizers, tensors."""

import hashlib
import sys
from ctypes import string_at
from types import SimpleNamespace

import torch
from metaflow import FlowSpec, step
from torch import nn

# To tell its compiler to leave it alone, an optimizer imports that compiler: five seconds.
sys.modules["torch._dynamo"] = SimpleNamespace(
    disable=lambda f, *_, **__: f, graph_break=lambda: None
)

_BYTES_OF_WEIGHTS = 20_000_000


class Net(nn.Module):
    """A class that exists nowhere but in this script."""

    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(4, width)
        self.second = nn.Linear(width, 2)

    def forward(self, batch):
        """Return two numbers per row."""
        return self.second(torch.relu(self.first(batch)))


def fingerprint(value):
    """Return a digest of all numbers in a module, in a tensor, or in what holds such."""
    if isinstance(value, nn.Module):
        return fingerprint(value.state_dict())
    if isinstance(value, torch.optim.Optimizer):
        return fingerprint(value.state_dict())
    if isinstance(value, torch.Tensor):
        numbers = value.double().contiguous()
        return hashlib.sha256(string_at(numbers.data_ptr(), numbers.nbytes)).hexdigest()
    if isinstance(value, dict):
        return {str(key): fingerprint(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [fingerprint(part) for part in value]
    return value


class TorchFlow(FlowSpec):
    """start -> end."""

    @step
    def start(self):
        """Train a little, and keep all of it."""
        torch.manual_seed(7)
        batch = torch.rand(8, 4)
        net = Net(3)
        optimizer = torch.optim.Adam(net.parameters())
        net(batch).sum().backward()
        optimizer.step()
        self.net = net
        self.sequential = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
        self.state_dict = net.state_dict()
        self.checkpoint = {"model": net, "epoch": 3}
        self.tensor = batch
        self.optimizer = optimizer
        self.optimizer_state = optimizer.state_dict()
        self.saved = {"model_state": net.state_dict(), "epoch": 3}
        self.large = Net(_BYTES_OF_WEIGHTS // (7 * 4))  # it has 7 weights of 4 bytes per unit
        made = (
            *("net", "sequential", "state_dict", "checkpoint", "tensor"),
            *("optimizer", "optimizer_state", "saved", "large"),
        )
        self.fingerprints = {name: fingerprint(getattr(self, name)) for name in made}
        self.next(self.end)

    @step
    def end(self):
        """Use two of them."""
        with torch.no_grad():
            self.answer = self.net(self.tensor).sum().item()


if __name__ == "__main__":
    TorchFlow()
