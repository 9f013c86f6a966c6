"""Rewrites tests/data/torch: small pickles of a real flow run; run by `make torch-data`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.torch.flow_run import DATA, RECORDED, run_flow
from tests.torch.kinds import KINDS, LARGE


def main() -> None:
    """Run the flow and keep what `make test` looks at."""
    DATA.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        made = run_flow(Path(folder))
        small = sorted(KINDS.keys() - {LARGE})
        for name in small:
            (DATA / f"{name}.pkl").write_bytes(made.stored(name))
        recorded = {name: made.recorded[name] for name in small}
    RECORDED.write_text(json.dumps(recorded, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
