"""Run a function from its zips as Lambda lays them out: code at the task root, layers merged in order, nothing else.

The interpreter sees `task`, `opt/python/lib/python3.X/site-packages` and `opt/python` before its standard library, and
no site-packages of its own, so an import works only if the function or a layer has it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_RUN = """
import importlib, json, sys, time
task, opt, handler, events = sys.argv[1:5]
version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
sys.path[:0] = [task, f"{opt}/python/lib/{version}/site-packages", f"{opt}/python"]

class Context:
    aws_request_id = "00000000-0000-4000-8000-000000000000"
    function_name = "function"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:function"
    memory_limit_in_mb = "512"
    log_group_name = "/aws/lambda/function"
    log_stream_name = "stream"
    def get_remaining_time_in_millis(self):
        return 30000

answers = sys.stdout
sys.stdout = sys.stderr
module, _, name = handler.rpartition(".")
began = time.perf_counter()
call = getattr(importlib.import_module(module.replace("/", ".")), name)
seconds = time.perf_counter() - began
answers.write(json.dumps({"init_seconds": seconds, "answers": [call(e, Context()) for e in json.loads(events)]}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A function's code and its merged layers, unpacked."""

    task: Path
    opt: Path
    interpreter: Path

    def invoke(self, handler: str, events: Sequence[Any], environment: Mapping[str, str]) -> dict[str, Any]:
        """Import *handler* and call it with each of *events*: `{"init_seconds": 0.4, "answers": [...]}`.

        Raises `RuntimeError` with what the function wrote if it fails.
        """
        command = [
            str(self.interpreter),
            "-I",
            "-S",
            "-c",
            _RUN,
            str(self.task),
            str(self.opt),
            handler,
            json.dumps(events),
        ]
        defaults = {
            "PATH": os.environ["PATH"],
            "TZ": "UTC",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
        ran = subprocess.run(
            command,
            env=defaults | dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise RuntimeError(f"{handler} failed:\n{ran.stderr}")
        return json.loads(ran.stdout)  # type: ignore[no-any-return]


def unpack(folder: Path, *, function: Path, layers: Sequence[Path], interpreter: Path) -> Sandbox:
    """Unpack a function's zip and its layers' zips below *folder*: a later layer overwrites what an earlier one has."""
    task, opt = folder / "task", folder / "opt"
    for archive, target in ((function, task), *((layer, opt) for layer in layers)):
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(target)
    return Sandbox(task=task, opt=opt, interpreter=interpreter)


def find_interpreter(runtime: str) -> Path | None:
    """A Python of the runtime's minor version on this machine that really runs, if there is one."""
    version = runtime.removeprefix("python")
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    candidates = [sys.executable, shutil.which(runtime) or "", *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))]
    ask = "import sys; print(sys.executable, '%d.%d' % sys.version_info[:2])"
    for candidate in filter(None, candidates):
        # A shim on PATH may stand for a version that nobody installed.
        ran = subprocess.run(
            [candidate, "-I", "-c", ask], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        executable, _, found = ran.stdout.strip().rpartition(" ")
        if ran.returncode == 0 and found == version:
            return Path(executable)
    return None
