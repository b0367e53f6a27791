"""Run `wrk` with a script of the plan. Each thread has one connection, and keeps its token and last response."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.load.plan import CONNECTIONS, Plan, Sample

_SCRIPT = Path(__file__).with_name("plan.lua")


def is_installed() -> bool:
    return shutil.which("wrk") is not None


def run(port: int, plan: Plan, seconds: float) -> Sample:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f"plan = {_lua(_values(plan))}\n{_SCRIPT.read_text()}")
        script.flush()
        size = f"-t{CONNECTIONS} -c{CONNECTIONS} -d{max(1, round(seconds))}s --timeout 30s -s {script.name}"
        command = ["wrk", *size.split(), f"http://127.0.0.1:{port}{plan.request.path}"]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = json.loads(output.rsplit("RESULT ", 1)[1])
    return Sample(**result)


def _values(plan: Plan) -> dict[str, object]:
    return {
        "method": plan.request.method,
        "path": plan.request.path,
        "headers": plan.request.all_headers(),
        "body": plan.request.body,
        "tokens": list(plan.tokens),
        "expect": plan.expect,
        "next_token": plan.next_token,
        "first": plan.first,
        "wraps": plan.wraps,
        "connections": CONNECTIONS,
    }


def _lua(value: object) -> str:
    """Return a Lua literal. JSON strings are valid Lua if they are ASCII, as here."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{_lua(name)}] = {_lua(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(_lua, value)) + "}"
    return json.dumps(value)
