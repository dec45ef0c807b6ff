"""The main job on this machine, from lock file to answering function: `make demo`.

Starts an AWS emulator on the loopback address, applies examples/layered-function to it for real, plans again, fetches
the stored archives back and runs the handlers with the layers merged as Lambda would. What it starts it stops, also
when it fails.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "python")]

from layerwright.target import read_runtimes  # noqa: E402 — found through the lines above
from support.aws import Aws, start_ministack  # noqa: E402
from support.sandbox import find_interpreter, unpack  # noqa: E402

BUCKET = "layerwright-demo-artifacts"
EXAMPLE = "layered-function"
TOKEN = "let-me-in"  # noqa: S105 — of a function that lives for a minute, on the loopback address
ORDERS = [{"item": "tea", "price": "2.50", "quantity": 3}, {"item": "cup", "price": "8.00"}]
EVENTS: Mapping[str, Any] = {
    "api": {
        "version": "2.0", "rawPath": "/orders", "headers": {}, "body": json.dumps(ORDERS), "isBase64Encoded": False,
        "requestContext": {"http": {"method": "POST", "path": "/orders"}, "stage": "$default", "requestId": "1"},
    },
    "worker": {"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": json.dumps(ORDERS[0])}]},
    "authorizer": {"headers": {"authorization": f"Bearer {TOKEN}"}},
}  # fmt: skip

console = Console(soft_wrap=True, highlight=False)


class DemoError(Exception):
    """The demo did not show what it promises."""


def main() -> int:
    """Run the demo; returns the exit status."""
    began = time.perf_counter()
    try:
        runtime, interpreter = find_runtime()
    except DemoError as e:
        console.print(f"The demo cannot start: {e}", style="red", markup=False)
        return 1
    architecture = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    console.rule(f"Layerwright: examples/{EXAMPLE} for {runtime} on {architecture}")
    try:
        with tempfile.TemporaryDirectory(prefix="layerwright-demo-") as folder, start_ministack() as aws:
            say(f"AWS emulator started at {aws.endpoint_url}", began)
            run_example(aws, Path(folder), runtime, interpreter, architecture)
    except (DemoError, RuntimeError) as e:
        console.print(f"The demo failed: {e}", style="red", markup=False)
        return 1
    console.print(f"\nEverything worked, in {time.perf_counter() - began:.0f} s; the emulator and its data are gone.")
    return 0


def run_example(aws: Aws, folder: Path, runtime: str, interpreter: Path, architecture: str) -> None:
    """Apply the examples to *aws*, then show what was stored and what the functions answer."""
    # In a copy, as a checkout of its own: what Terraform leaves behind goes with the folder.
    for part in ("examples", "modules", "python"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns(".terraform*", "__pycache__"))
    environment = aws.process_environment() | {"TF_CLI_CONFIG_FILE": write_configuration(), "TF_IN_AUTOMATION": "1"}

    aws.make_bucket(BUCKET, versioned=True)
    variables = {"bucket": BUCKET, "runtime": runtime, "architecture": architecture, "authorizer_token": TOKEN}
    example = Terraform(folder / "examples" / EXAMPLE, environment, variables)
    example.apply("layers built, stored and published, functions created")
    example.plan_again()

    outputs = example.outputs()
    show_stored(outputs)
    layers = [fetch(aws, folder, layer["key"]) for layer in outputs["layers"]]
    for name, event in EVENTS.items():
        function = outputs["functions"][name]
        code = fetch(aws, folder, function["key"])
        sandbox = unpack(folder / name, function=code, layers=layers, interpreter=interpreter)
        environment = {"ORDERS_TOKEN": TOKEN, "AWS_LAMBDA_FUNCTION_NAME": name, "POWERTOOLS_LOG_LEVEL": "WARNING"}
        ran = sandbox.invoke(function["handler"], [event], environment)
        console.print(
            f"  {name} answered in {ran['init_seconds']:.2f} s + call: {json.dumps(ran['answers'][0])}", markup=False
        )
        check_answer(name, ran["answers"][0])


class Terraform:
    """A root module and the values of its variables."""

    def __init__(self, module: Path, environment: Mapping[str, str], variables: Mapping[str, str]) -> None:
        self._module = module
        self._environment = environment
        self._variables = [f"-var={name}={value}" for name, value in variables.items()]

    def apply(self, said: str) -> None:
        """Initialise and apply."""
        began = time.perf_counter()
        self._run("init", "-input=false", "-no-color")
        self._run("apply", "-auto-approve", "-input=false", "-no-color", *self._variables)
        say(f"{self._module.name}: {said}", began)

    def plan_again(self) -> None:
        """Plan once more and show that there is nothing to do; raises `DemoError` if there is."""
        began = time.perf_counter()
        planned = self._run("plan", "-input=false", "-no-color", *self._variables)
        line = next((line for line in planned.splitlines() if line.startswith("No changes.")), None)
        if not line:
            raise DemoError(f"the second plan is not empty:\n{planned}")
        say(f"{self._module.name}: planned again: {line}", began)

    def outputs(self) -> dict[str, Any]:
        """Output values by name."""
        rendered = json.loads(self._run("output", "-json"))
        return {name: output["value"] for name, output in rendered.items()}

    def _run(self, *arguments: str) -> str:
        terraform = shutil.which("terraform")
        if not terraform:
            raise DemoError("terraform is not on PATH: install Terraform 1.5 or newer")
        ran = subprocess.run(
            [terraform, f"-chdir={self._module}", *arguments], env=self._environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ran.returncode:
            raise DemoError(f"terraform {arguments[0]} in {self._module.name}:\n{ran.stdout}\n{ran.stderr}")
        return ran.stdout


def write_configuration() -> str:
    """Where Terraform finds providers on this machine; returns the path of the CLI configuration."""
    command = [sys.executable, str(ROOT / "tools" / "providers.py")]
    made = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    return made.stdout.strip()


def find_runtime() -> tuple[str, Path]:
    """The newest runtime whose Python is on this machine, to run the functions with."""
    for runtime in reversed(read_runtimes()):
        if runtime in ("python3.11", "python3.12", "python3.13") and (interpreter := find_interpreter(runtime)):
            return runtime, interpreter
    raise DemoError("no Python 3.11, 3.12 or 3.13 on this machine: the functions need one of them")


def fetch(aws: Aws, folder: Path, key: str) -> Path:
    """Download an archive from the store; returns its file."""
    path = folder / Path(key).name
    if not path.exists():
        aws.client("s3").download_file(BUCKET, key, str(path))
    return path


def check_answer(name: str, answer: Any) -> None:  # noqa: ANN401 — whatever JSON the function answers
    """Raise `DemoError` if a function's answer is not what its example promises."""
    expected = {
        "api": lambda: json.loads(answer["body"])["totals"] == {"cup": "8.00", "tea": "7.50"},
        "worker": lambda: answer == {"batchItemFailures": []},
        "authorizer": lambda: answer == {"isAuthorized": True},
    }
    if not expected[name]():
        raise DemoError(f"{name} answered {answer}")


def show_stored(outputs: Mapping[str, Any]) -> None:
    """Print what the store has, a row an archive."""
    table = Table("stored", "zipped", "unzipped", "holds", box=None, pad_edge=False)
    for layer in outputs["layers"]:
        held = f"{len(layer['packages'])} distributions" if layer["packages"] else "own package"
        table.add_row(layer["key"], megabytes(layer["zip_size"]), megabytes(layer["unzipped_size"]), held)
    for name, function in outputs["functions"].items():
        table.add_row(
            function["key"], megabytes(function["zip_size"]), megabytes(function["unzipped_size"]), f"{name}, code"
        )
    console.print(table)


def say(what: str, began: float) -> None:
    """Print a step that is done, with its seconds."""
    console.print(f"{time.perf_counter() - began:6.1f} s  {what}", markup=False)


def megabytes(size: float) -> str:
    """Bytes, for people."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


if __name__ == "__main__":
    sys.exit(main())
