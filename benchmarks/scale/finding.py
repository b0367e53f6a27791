"""What was found: one line of the report, with its target where there is one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`is_met` is None where there is no target. `figures` are for the JSON alone."""

    name: str
    value: str
    target: str = ""
    is_met: bool | None = None
    figures: dict[str, object] | None = None


def at_most(name: str, value: float, limit: float, unit: str, **figures: object) -> Finding:
    is_met = value <= limit
    return Finding(name, f"{value:,.1f} {unit}", f"≤ {limit:g} {unit}", is_met, {"value": round(value, 3)} | figures)


def at_least(name: str, value: float, limit: float, unit: str, **figures: object) -> Finding:
    return Finding(
        name, f"{value:,.2f} {unit}", f"≥ {limit:g} {unit}", value >= limit, {"value": round(value, 3)} | figures
    )


def none(name: str, wrong: int, **figures: object) -> Finding:
    return Finding(name, f"{wrong:,}", "0", wrong == 0, {"value": wrong} | figures)
