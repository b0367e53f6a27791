"""A finding: one line of the report, with its target if there is one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`is_met` is None without a target. `details` appear in the JSON only."""

    name: str
    value: str
    target: str = ""
    is_met: bool | None = None
    details: dict[str, object] | None = None


def at_most(name: str, value: float, limit: float, unit: str, **details: object) -> Finding:
    is_met = value <= limit
    return Finding(name, f"{value:,.1f} {unit}", f"≤ {limit:g} {unit}", is_met, {"value": round(value, 3)} | details)


def at_least(name: str, value: float, limit: float, unit: str, **details: object) -> Finding:
    return Finding(
        name, f"{value:,.2f} {unit}", f"≥ {limit:g} {unit}", value >= limit, {"value": round(value, 3)} | details
    )


def zero(name: str, wrong: int, **details: object) -> Finding:
    return Finding(name, f"{wrong:,}", "0", wrong == 0, {"value": wrong} | details)
