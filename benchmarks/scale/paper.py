"""What was found, on paper: a table, and JSON with every figure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.scale.finding import Finding

_MARKS = {True: "yes", False: "**no**", None: ""}

Chapters = Mapping[str, Sequence[Finding]]


def write(chapters: Chapters, *, circumstances: Mapping[str, Any], folder: Path) -> None:
    body = dict(circumstances) | {"found": {title: [asdict(one) for one in found] for title, found in chapters.items()}}
    (folder / "scale.json").write_text(json.dumps(body, indent=2) + "\n")
    text = f"{_told(circumstances)}\n\n{table(chapters)}\n"
    (folder / "scale.md").write_text(text)
    print(f"\n{text}\nWritten to {folder}.")


def table(chapters: Chapters) -> str:
    head = ["| | found | target | met |", "|---|---|---|---|"]
    rows = []
    for title, found in chapters.items():
        rows.append(f"| **{title}** | | | |")
        rows += [f"| {one.name} | {one.value} | {one.target} | {_MARKS[one.is_met]} |" for one in found]
    return "\n".join(head + rows)


def _told(circumstances: Mapping[str, Any]) -> str:
    return (
        "Measured {measured_at} on {machine}: {cores}. {sessions:,} sessions of {users:,} users, one web process with "
        "{threads} threads. {versions}. Others' load at the end: {load_of_others_at_the_end}."
    ).format_map(circumstances)
