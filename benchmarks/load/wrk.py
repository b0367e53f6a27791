"""`wrk` with a script made of the plan: a thread for each connection, so that each knows its own token and its last answer."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.load.plan import CONNECTIONS, Plan, Sample

_SCRIPT = Path(__file__).with_name("plan.lua")


def is_here() -> bool:
    return shutil.which("wrk") is not None


def run(port: int, plan: Plan, seconds: float) -> Sample:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f"plan = {_lua(_values(plan))}\n{_SCRIPT.read_text()}")
        script.flush()
        size = f"-t{CONNECTIONS} -c{CONNECTIONS} -d{max(1, round(seconds))}s --timeout 30s -s {script.name}"
        command = ["wrk", *size.split(), f"http://127.0.0.1:{port}{plan.ask.path}"]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = json.loads(output.rsplit("RESULT ", 1)[1])
    return Sample(**found)


def _values(plan: Plan) -> dict[str, object]:
    return {
        "method": plan.ask.method,
        "path": plan.ask.path,
        "headers": plan.ask.all_headers(),
        "body": plan.ask.body,
        "tokens": list(plan.tokens),
        "expect": plan.expect,
        "next_token": plan.next_token,
        "first": plan.first,
        "wraps": plan.wraps,
        "connections": CONNECTIONS,
    }


def _lua(value: object) -> str:
    """A literal of Lua. JSON's strings are Lua's, but for what is no ASCII, which is not among ours."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{_lua(name)}] = {_lua(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(_lua, value)) + "}"
    return json.dumps(value)
