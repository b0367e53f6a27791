"""Tables and chart of the results."""

from pathlib import Path
from xml.etree import ElementTree as ET

from benchmarks import chart
from benchmarks.contender import Contender, Kind
from benchmarks.contenders.limits import BCRYPT_CPU
from benchmarks.counting import Cost
from benchmarks.load.plan import Sample
from benchmarks.measure import Result, Run
from benchmarks.result_tables import ResultTables
from benchmarks.works import WORKS, WorkKind

ME = WORKS[0]


def _result(name: str, kind: Kind, *rates: int) -> Result:
    contender = Contender(name, name.title(), kind, lambda _port, _threads: [], Path())
    samples = [Sample(rate, 1.0, 0, 1.0, 2.0, cpu_us=500) for rate in rates]
    return Result(
        contender, dict.fromkeys(WorkKind, 2), {"me": samples, "login": samples}, {"me": Cost(2, 0, 1)}, memory_mib=80
    )


def _tables() -> ResultTables:
    results = [_result("vestibule", Kind.PRODUCT, 300, 200, 100), _result("djoser", Kind.PEER, 100, 90, 110)]
    return ResultTables(Run(results, {"bcrypt": [1000.0], BCRYPT_CPU: [4000.0]}))


def test_table_shows_medians_with_their_range_and_ratio_to_djoser() -> None:
    rows = _tables().table(ME).splitlines()

    assert rows[2] == "| **Vestibule** | 200 | 100–300 | 2.00 | 500 | 2.0 | 2 · 0 · 1 |"
    assert rows[3] == "| Djoser | 100 | 90–110 | 1.00 | 500 | 2.0 | 2 · 0 · 1 |"


def test_time_of_a_login_excludes_the_raw_hash() -> None:
    assert _tables().over_bcrypt_ms(rate=200) == 4.0
    assert _tables().cpu_over_bcrypt_ms(cpu_us=500) == 0.25


def test_base_of_forward_auth_is_djosers_me() -> None:
    assert _tables().base("forward_auth") == 100


def test_chart_is_well_formed_and_has_a_bar_per_contender() -> None:
    drawn = chart.draw(_tables().panels(), caption="<2026> & later")

    tree = ET.fromstring(drawn)  # noqa: S314 - drawn here
    bars = tree.findall(".//{http://www.w3.org/2000/svg}rect")
    assert len(bars) == 4
    assert float(bars[0].get("width", 0)) == 2 * float(bars[1].get("width", 0))
