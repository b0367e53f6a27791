"""The number of usable processors, by CPU affinity and cgroup quotas."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from core.cpus import available_cpus
from core.dev import processes
from core.paths import BASE_DIR
from core.testing import live_database, live_server
from core.web_server import bind_address

PRINT_CPUS = "from core.cpus import available_cpus; print(available_cpus())"
BY_AFFINITY = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("own_cgroups", "files", "expected"),
    [
        ("0::/", {}, BY_AFFINITY),
        ("0::/", {"cpu.max": "max 100000"}, BY_AFFINITY),
        ("0::/", {"cpu.max": "100000 100000"}, 1),
        ("0::/", {"cpu.max": "150000 100000"}, min(2, BY_AFFINITY)),
        ("0::/", {"cpu.max": "1000 100000"}, 1),
        ("0::/", {"cpu.max": "12800000 100000"}, BY_AFFINITY),
        ("0::/", {"cpu.max": "rubbish"}, BY_AFFINITY),
        ("0::/", {"cpu.max": "50000 0"}, BY_AFFINITY),
        ("0::/a/b", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "max 100000"}, 1),  # the parent limits its child
        ("0::/of/the/host", {"cpu.max": "50000 100000"}, 1),  # a container that sees only its own cgroup
        ("0::/../../elsewhere", {"cpu.max": "50000 100000"}, 1),
        (
            "4:cpu,cpuacct:/a",
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "50000", "cpu,cpuacct/a/cpu.cfs_period_us": "100000"},
            1,
        ),
        ("4:cpuacct,cpu:/a", {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ("4:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, BY_AFFINITY),
        ("4:cpuset:/\n1:name=systemd:/", {"cpu.max": "50000 100000"}, BY_AFFINITY),
        ("1:memory:/\n0::/", {"unified/cpu.max": "50000 100000"}, 1),
        ("", {"cpu.max": "50000 100000"}, BY_AFFINITY),
        ("0::/", {"cpu.max": "50000 100000\n"}, 1),
    ],
)
def test_a_cgroup_quota_limits_the_cpu_count(
    tmp_path: Path, own_cgroups: str, files: dict[str, str], expected: int
) -> None:
    root, own = tmp_path / "cgroup", tmp_path / "own"
    own.write_text(own_cgroups)
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)

    assert available_cpus(cgroup_root=root, own_cgroups=own) == expected


def test_without_cgroups_the_cpu_affinity_decides(tmp_path: Path) -> None:
    assert available_cpus(cgroup_root=tmp_path / "absent", own_cgroups=tmp_path / "absent") == BY_AFFINITY


def test_a_process_bound_to_one_cpu_counts_one() -> None:
    cpu = min(os.sched_getaffinity(0))

    assert _run_on([cpu], "-c", PRINT_CPUS) == "1"


def test_a_worker_starts_one_process_per_usable_cpu() -> None:
    cpu = min(os.sched_getaffinity(0))
    read_setting = "from config.celery import app; print(app.conf.worker_concurrency)"

    assert _run_on([cpu], "-c", read_setting) == "1"


def test_a_web_server_starts_one_process_per_usable_cpu(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> None:
    log = tmp_path / "web.log"
    serve = [sys.executable, "manage.py", "serve"]
    with live_database.in_use(tmp_path, django_db_blocker), log.open("wb") as output:
        environment = live_server.environment(PORT=str(bind_address.free_port(live_server.HOST)))
        environment.pop("WEB_WORKERS", None)
        bound = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), *serve]
        process = processes.start(bound, cwd=BASE_DIR, env=environment, stdout=output, stderr=output)
        try:
            processes.wait_until(lambda: "Started worker" in log.read_text(), process, log=log, seconds=60)
        finally:
            processes.stop(process, grace=5)

    assert log.read_text().count("Spawning worker") == 1


def _run_on(cpus: list[int], *arguments: str) -> str:
    environment = {
        name: value for name, value in os.environ.items() if name not in {"WEB_WORKERS", "WORKER_CONCURRENCY"}
    }
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=BASE_DIR,
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, cpus),
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()
