"""`make docs-blocks`: write what the commands of the pages really print into the pages.

python -m tests.docs [PAGE ...]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.blocks import ROOT, pages, read_blocks
from tests.docs.page import check_page, is_run, write_page
from tests.docs.scene import open_scene, run_wine_flow


def main(names: list[str]) -> int:
    """Run the blocks of pages, of all if none is named; return 1 if a command failed."""
    selected = [Path(name).resolve() for name in names] or pages()
    failed = False
    with tempfile.TemporaryDirectory(prefix="mfwb-docs-") as folder:
        flow_runs = Path(folder) / "flow-runs"
        for number, page in enumerate(selected):
            if not any(map(is_run, read_blocks(page))):
                continue
            run_wine_flow(flow_runs)
            with open_scene(Path(folder) / f"page-{number}", flow_runs) as scene:
                checked = check_page(page, scene)
            changed = write_page(page, checked)
            name = page.relative_to(ROOT)
            sys.stdout.write(f"{name}: {'rewritten' if changed else 'as before'}\n")
            for one in checked:
                wrong = [line for line in one.problems if line[:2] not in {"- ", "+ "}]
                for line in wrong:
                    failed = True
                    sys.stdout.write(f"  {one.block.location}: {line}\n")
            sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
