"""`make docs-blocks`: write what the commands of the pages really print into the pages.

python -m tests.docs [PAGE ...]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.blocks import ROOT, in_order_of_reading, pages, read_blocks
from tests.docs.page import check_pages, is_run, write_page
from tests.docs.scene import open_scene, run_wine_flow


def main(names: list[str]) -> int:
    """Rewrite pages, all if none is named; return 1 if a command failed.

    What other pages show is run, too: all share one machine.
    """
    everything = [page for page in pages() if any(map(is_run, read_blocks(page)))]
    selected = [Path(name).resolve() for name in names] or everything
    with tempfile.TemporaryDirectory(prefix="mfwb-docs-") as folder:
        flow_runs = Path(folder) / "flow-runs"
        run_wine_flow(flow_runs)
        with open_scene(Path(folder) / "scene", flow_runs) as scene:
            checked = check_pages(in_order_of_reading(everything), scene)
    wrong = [
        f"{one.block.location}: {line}\n"
        for one in checked
        for line in one.problems
        if line[:2] not in {"- ", "+ "}
    ]
    for page in selected:
        changed = write_page(page, [one for one in checked if one.block.page == page])
        sys.stdout.write(f"{page.relative_to(ROOT)}: {'rewritten' if changed else 'as before'}\n")
    sys.stdout.writelines(wrong)
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
