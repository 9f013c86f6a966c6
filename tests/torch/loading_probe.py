"""Loads pickles with torch, and prints the fingerprint of each, by file name."""

from __future__ import annotations

import importlib
import json
import pickle
import sys
from pathlib import Path

flows, *files = sys.argv[1:]
sys.path.insert(0, flows)
flow = importlib.import_module("torch_flow")
Net = flow.Net  # pickles look for it in __main__, where it was when the flow ran
found = {Path(file).stem: flow.fingerprint(pickle.loads(Path(file).read_bytes())) for file in files}
sys.stdout.write(json.dumps(found))
