"""Write the JSON schemas of all documents to docs/schemas; `make schemas` calls this."""

from __future__ import annotations

import json
from pathlib import Path

from mfwb.report.json_schema import DOCUMENTS, json_schema

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "schemas"


def texts() -> dict[str, str]:
    """Return the text of each file, by its name."""
    return {
        f"{name}.json": f"{json.dumps(json_schema(name), indent=2, ensure_ascii=False)}\n"
        for name in DOCUMENTS
    }


def main() -> None:
    """Write all files, and remove those of documents that are no more."""
    FOLDER.mkdir(exist_ok=True)
    files = texts()
    for path in FOLDER.glob("*.json"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
