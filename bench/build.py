"""Building a layer with Layerwright beside what people use today: `make bench`.

One lock file, one target, caches warm, all ways in turn for several rounds, so that a slow minute of the machine slows
them all. Printed are the wall seconds (median, smallest, largest), the peak memory of the largest process, the size of
the zip, and how many times longer than Layerwright each way takes, round by round.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table
from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent
EXCLUDE_NEWER = "2026-11-14"
RUNTIME = "python3.13"
PROJECT = """
[project]
name = "bench"
version = "0"
requires-python = ">=3.11"
dependencies = [
  "fastapi", "pydantic", "sqlalchemy", "asyncpg", "httpx", "pillow", "cryptography", "numpy", "pandas", "pyarrow",
]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to build the zip: commands that run one after the other in an empty folder, and leave `layer.zip` there."""

    name: str
    commands: Callable[[Path], Sequence[Sequence[str]]]
    seconds: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    """KiB of the largest process of each round."""
    sizes: list[int] = field(default_factory=list)


def main() -> int:
    """Run the benchmark; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds after one that warms the caches")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="layerwright-bench-") as folder:
        project = make_project(Path(folder))
        ways = ways_to_build(project)
        for number in range(rounds + 1):
            for way in ways:
                print(f"round {number or 'to warm up'}: {way.name}", file=sys.stderr)
                run(way, project / "work", counted=number > 0)
        print_table(ways)
    return 0


def make_project(folder: Path) -> Path:
    """A project with its lock in the forms that the ways read."""
    (folder / "pyproject.toml").write_text(PROJECT)
    uv = [find_uv_bin(), "--project", str(folder), "--quiet"]
    subprocess.run([*uv, "lock", "--exclude-newer", EXCLUDE_NEWER], check=True)
    subprocess.run([*uv, "export", "--frozen", "--no-emit-project", "-o", folder / "requirements.txt"], check=True)
    return folder


def ways_to_build(project: Path) -> list[Way]:
    """Ours first: the others are compared with it."""
    requirements = str(project / "requirements.txt")
    version = RUNTIME.removeprefix("python")
    zipped = ["zip", "--quiet", "--recurse-paths", "layer.zip", "python"]
    # As Terraform calls it: by a Python without our dependencies, which the bootstrap finds in the user's cache.
    python = getattr(sys, "_base_executable", sys.executable)
    layerwright = [python, "-I", str(ROOT / "python" / "bootstrap.py"), "build", "--no-check-limits"]
    uv = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", "python"]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--target",
        "python",
    ]
    platforms = [f"--platform=manylinux_2_{minor}_x86_64" for minor in (34, 28, 27, 17)] + [
        "--platform=manylinux2014_x86_64"
    ]
    return [
        Way(
            name="layerwright build",
            commands=lambda _: [
                [*layerwright, "--lock-file", str(project / "uv.lock"), "--runtime", RUNTIME, "--output", "layer.zip"]
            ],
        ),
        Way(
            name="uv pip install --target, zip -r",
            commands=lambda _: [
                [*uv, "--python-platform", "x86_64-manylinux_2_34", "--python-version", version, "-r", requirements],
                zipped,
            ],
        ),
        Way(
            name="pip install --target, zip -r",
            commands=lambda _: [[*pip, *platforms, "--python-version", version, "-r", requirements], zipped],
        ),
    ]


def run(way: Way, folder: Path, *, counted: bool) -> None:
    """Build once in the empty *folder*, and note what it took if it is *counted*."""
    folder.mkdir()
    seconds, peak = 0.0, 0
    for command in way.commands(folder):
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        _, status, usage = os.wait4(process.pid, 0)
        seconds += time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = max(peak, peak_of(usage))
        if process.returncode:
            raise SystemExit(f"{way.name}: {command[0]} ended with {process.returncode}")
    if counted:
        way.seconds.append(seconds)
        way.peaks.append(peak)
        way.sizes.append((folder / "layer.zip").stat().st_size)
    shutil.rmtree(folder)


def peak_of(usage: resource.struct_rusage) -> int:
    """Peak resident memory in KiB; macOS counts bytes."""
    return usage.ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def print_table(ways: Sequence[Way]) -> None:
    """One row a way, as Markdown can take it."""
    table = Table("", "seconds (median, range)", "peak memory", "zip", "times ours (median, range)", box=None)
    ours = ways[0]
    for way in ways:
        ratios = [theirs / own for theirs, own in zip(way.seconds, ours.seconds, strict=True)]
        table.add_row(
            way.name,
            f"{statistics.median(way.seconds):.2f} ({min(way.seconds):.2f}–{max(way.seconds):.2f})",
            f"{statistics.median(way.peaks) / 1024:.0f} MiB",
            f"{statistics.median(way.sizes) / 1024 / 1024:.1f} MiB",
            f"{statistics.median(ratios):.1f} ({min(ratios):.1f}–{max(ratios):.1f})" if way is not ours else "",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    sys.exit(main())
