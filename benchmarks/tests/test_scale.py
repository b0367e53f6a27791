"""What `make bench-scale` makes of what it found."""

import json
from pathlib import Path

from benchmarks.load.plan import Sample
from benchmarks.scale import hot_paths, paper, plans
from benchmarks.scale.finding import at_least, at_most, none

CIRCUMSTANCES = {
    "measured_at": "2026-11-21", "machine": "a machine", "cores": "two", "sessions": 10, "users": 5, "threads": 8,
    "versions": "Python 3.11", "load_of_others_at_the_end": 0.1,
}  # fmt: skip


def test_a_target_is_met_or_missed() -> None:
    assert [at_most("a", 10.0, 10, "s").is_met, at_most("a", 10.1, 10, "s").is_met] == [True, False]
    assert [at_least("b", 0.9, 0.9, "").is_met, none("c", 1).is_met, none("c", 0).is_met] == [True, False, True]


def test_what_was_found_is_a_table_and_json(tmp_path: Path) -> None:
    chapters = {"Cleanup": [at_most("its memory", 201, 200, "MiB", peak=201)]}

    paper.write(chapters, circumstances=CIRCUMSTANCES, folder=tmp_path)

    assert "| its memory | 201.0 MiB | ≤ 200 MiB | **no** |" in (tmp_path / "scale.md").read_text()
    [found] = json.loads((tmp_path / "scale.json").read_text())["found"]["Cleanup"]
    assert found["figures"] == {"value": 201, "peak": 201}


def test_a_table_read_whole_is_found_anywhere_in_a_plan() -> None:
    scan = {"Node Type": "Seq Scan", "Relation Name": "sessions"}
    by_index = {"Node Type": "Index Scan", "Relation Name": "users"}

    assert plans._read_whole(
        {"Node Type": "Limit", "Plans": [{"Node Type": "Nested Loop", "Plans": [by_index, scan]}]}
    ) == ["sessions"]
    assert plans._read_whole(by_index) == []


def test_growth_is_judged_by_the_pairs_of_a_round() -> None:
    pairs = [(_sample(empty), _sample(full)) for empty, full in ((100, 95), (50, 40), (200, 190))]

    finding = hot_paths._judged("me", pairs)

    assert finding.value == "0.95 of the empty one"
    assert finding.is_met
    assert hot_paths._judged("me", [(_sample(100), _sample(89))]).is_met is False


def _sample(rate: int) -> Sample:
    return Sample(rate, 1.0, 0, 1.0, 2.0)
