"""What tests stand on: sandboxes, stand-in servers, fakes, flow runs and what they really did."""
