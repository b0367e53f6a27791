"""The report: a table, and JSON with every measurement."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.scale.finding import Finding

_MET = {True: "yes", False: "**no**", None: ""}

Chapters = Mapping[str, Sequence[Finding]]


def write(chapters: Chapters, *, circumstances: Mapping[str, Any], folder: Path) -> None:
    findings = {title: [asdict(finding) for finding in chapter] for title, chapter in chapters.items()}
    body = dict(circumstances) | {"findings": findings}
    (folder / "scale.json").write_text(json.dumps(body, indent=2) + "\n")
    text = f"{_describe(circumstances)}\n\n{table(chapters)}\n"
    (folder / "scale.md").write_text(text)
    print(f"\n{text}\nWritten to {folder}.")


def table(chapters: Chapters) -> str:
    head = ["| | result | target | met |", "|---|---|---|---|"]
    rows = []
    for title, findings in chapters.items():
        rows.append(f"| **{title}** | | | |")
        rows += [
            f"| {finding.name} | {finding.value} | {finding.target} | {_MET[finding.is_met]} |" for finding in findings
        ]
    return "\n".join(head + rows)


def _describe(circumstances: Mapping[str, Any]) -> str:
    return (
        "Measured {measured_at} on {machine}: {cores}. {sessions:,} sessions of {users:,} users, one web process with "
        "{threads} threads. {versions}. Load average at the end: {load_of_others_at_the_end}."
    ).format_map(circumstances)
