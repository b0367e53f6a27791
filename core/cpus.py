"""Counts the CPUs that this process may use, by its affinity and the quotas of its cgroups."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")


def available_cpus(*, cgroup_root: Path = _CGROUP_ROOT, own_cgroups: Path = _OWN_CGROUPS) -> int:
    """Return the number of usable CPUs, at least 1. A quota of 1.5 CPUs counts as 2."""
    quotas = [math.ceil(quota) for quota in _quotas(cgroup_root, own_cgroups)]
    return max(1, min([_cpus_by_affinity(), *quotas]))


def _cpus_by_affinity() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(root: Path, own_cgroups: Path) -> Iterator[float]:
    """Yield the CPU quota of each cgroup of this process. A parent's quota also limits its children."""
    for line in _read(own_cgroups).splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if hierarchy == "0":
            mounts = [root, root / "unified"]
        elif "cpu" in controllers.split(","):
            mounts = [root / controllers, root / "cpu"]
        else:
            continue
        for mount in mounts:
            yield from filter(None, map(_quota, _with_parents(mount, path)))


def _with_parents(mount: Path, path: str) -> list[Path]:
    """Return the cgroup and its parents. In a container the path may be the host's; then the mount is the cgroup."""
    own = mount / path.strip("/")
    return [own, *(parent for parent in own.parents if parent.is_relative_to(mount))]


def _quota(cgroup: Path) -> float | None:
    """Read `cpu.max` (cgroup v2), or `cpu.cfs_quota_us` and `cpu.cfs_period_us` (v1). None without a limit."""
    v1 = f"{_read(cgroup / 'cpu.cfs_quota_us')} {_read(cgroup / 'cpu.cfs_period_us')}"
    for text in (_read(cgroup / "cpu.max"), v1):
        numbers = text.split()
        if len(numbers) == 2 and all(number.isdecimal() for number in numbers) and int(numbers[1]) > 0:
            return int(numbers[0]) / int(numbers[1])
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
