"""Findings and report of `make bench-scale`."""

import json
from pathlib import Path

from benchmarks.load.plan import Sample
from benchmarks.scale import hot_paths, plans, scale_report
from benchmarks.scale.finding import at_least, at_most, zero

CIRCUMSTANCES = {
    "measured_at": "2026-11-21", "machine": "a machine", "cores": "two", "sessions": 10, "users": 5, "threads": 8,
    "versions": "Python 3.11", "load_of_others_at_the_end": 0.1,
}  # fmt: skip


def test_target_is_met_or_missed() -> None:
    assert [at_most("a", 10.0, 10, "s").is_met, at_most("a", 10.1, 10, "s").is_met] == [True, False]
    assert [at_least("b", 0.9, 0.9, "").is_met, zero("c", 1).is_met, zero("c", 0).is_met] == [True, False, True]


def test_report_is_a_table_and_json(tmp_path: Path) -> None:
    chapters = {"Cleanup": [at_most("its memory", 201, 200, "MiB", peak=201)]}

    scale_report.write(chapters, circumstances=CIRCUMSTANCES, folder=tmp_path)

    assert "| its memory | 201.0 MiB | ≤ 200 MiB | **no** |" in (tmp_path / "scale.md").read_text()
    [finding] = json.loads((tmp_path / "scale.json").read_text())["findings"]["Cleanup"]
    assert finding["details"] == {"value": 201, "peak": 201}


def test_scanned_tables_are_found_at_any_depth_of_a_plan() -> None:
    scan = {"Node Type": "Seq Scan", "Relation Name": "sessions"}
    by_index = {"Node Type": "Index Scan", "Relation Name": "users"}

    assert plans._scanned_tables(
        {"Node Type": "Limit", "Plans": [{"Node Type": "Nested Loop", "Plans": [by_index, scan]}]}
    ) == ["sessions"]
    assert plans._scanned_tables(by_index) == []


def test_growth_compares_the_pairs_of_a_round() -> None:
    pairs = [(_sample(empty), _sample(full)) for empty, full in ((100, 95), (50, 40), (200, 190))]

    finding = hot_paths._finding("me", pairs)

    assert finding.value == "0.95 of the empty database"
    assert finding.is_met
    assert hot_paths._finding("me", [(_sample(100), _sample(89))]).is_met is False


def _sample(rate: int) -> Sample:
    return Sample(rate, 1.0, 0, 1.0, 2.0)
