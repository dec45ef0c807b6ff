"""A stand-in for the Terraform provider hashicorp/external, for tests where no genuine one is to be had.

It speaks the documented protocol with the titles and messages of release 2.3.5; `tools/providers.py` decides when it is
used, and says so. Left out: the try through $SHELL for a program that is not on PATH, and queries above 4 MB.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tf import iface, runner, schema, types, utils

_ENVIRONMENT = dict(os.environ)
"""What the programs get: the environment that Terraform gave this process."""

_running: set[subprocess.Popen[bytes]] = set()

_GO_NAMES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}
_LOOKUP_FAILED = "The data source received an unexpected error while attempting to find the program.\n\n"
_EXECUTION_FAILED = "The data source received an unexpected error while attempting to execute the program.\n\n"
_SILENT = "The program was executed, however it returned no additional error messaging.\n\n"
_UNEXPECTED_RESULTS = (
    "The data source received unexpected results after executing the program.\n\n"
    "Program output must be a JSON encoded map of string keys and string values.\n\n"
)


class ProgramError(Exception):
    """A diagnostic: its title and its text."""


class ExternalData(iface.DataSource):  # type: ignore[misc]
    """The data source `external`: a program reads a JSON object from stdin and answers with one on stdout."""

    def __init__(self, _provider: iface.Provider) -> None: ...

    @classmethod
    def get_name(cls) -> str:
        """Return what follows the provider's prefix: nothing."""
        return ""

    @classmethod
    def get_schema(cls) -> schema.Schema:
        """Return the attributes that hashicorp/external documents."""
        strings = types.Map(types.String())
        return schema.Schema(
            attributes=[
                schema.Attribute("id", types.String(), computed=True),
                schema.Attribute("program", types.List(types.String()), required=True),
                schema.Attribute("query", strings, optional=True),
                schema.Attribute("result", strings, computed=True),
                schema.Attribute("working_dir", types.String(), optional=True),
            ]
        )

    def read(self, ctx: iface.ReadDataContext, config: iface.Config) -> iface.State | None:
        """Run the program; what goes wrong becomes a diagnostic at `program`."""
        try:
            return {**config, "id": "-", "result": run_program(config)}
        except ProgramError as error:
            title, text = error.args
            ctx.diagnostics.add_error(title, text, ["program"])
            return None


class External(iface.Provider):  # type: ignore[misc]
    """The provider, which has nothing to configure and just one data source."""

    def full_name(self) -> str:
        """Return the address whose place this takes."""
        return "registry.terraform.io/hashicorp/external"

    def get_model_prefix(self) -> str:
        """Return the first part of every type's name."""
        return "external"

    def get_provider_schema(self, _diagnostics: utils.Diagnostics) -> schema.Schema:
        """Return the attributes of a provider block: none."""
        return schema.Schema(attributes=[])

    def validate_config(self, _diagnostics: utils.Diagnostics, _config: iface.Config) -> None:
        """Accept the empty block."""

    def configure_provider(self, _diagnostics: utils.Diagnostics, _config: iface.Config) -> None:
        """Accept the empty block."""

    def get_data_sources(self) -> list[type[iface.DataSource]]:
        """Return the only data source."""
        return [ExternalData]

    def get_resources(self) -> list[type[iface.Resource]]:
        """Return none."""
        return []


class _StopKillsPrograms(runner._ShutdownInterceptor):  # type: ignore[misc]  # noqa: SLF001 - there is no public way
    """Kills programs on StopProvider and leaves the server up to answer for them; GRPCController/Shutdown ends it."""

    def intercept_service(self, continuation: Callable[[Any], Any], call: Any) -> Any:  # noqa: ANN401 - gRPC's own
        if not call.method.endswith("/StopProvider"):
            return super().intercept_service(continuation, call)
        for process in list(_running):
            process.kill()
        return continuation(call)


def run_program(config: iface.Config) -> dict[str, str]:
    """Return what the program of *config* answers; raises `ProgramError`."""
    command = [argument for argument in config["program"] if argument]
    if not command:
        raise ProgramError("External Program Missing", "The data source was configured without a program to execute.")
    if not (program := shutil.which(command[0])):
        text = f"Platform: {sys.platform}\nProgram: {command[0]}\nError: executable file not found in $PATH"
        raise ProgramError("External Program Lookup Failed", _LOOKUP_FAILED + text)

    query = {key: value for key, value in (config.get("query") or {}).items() if value is not None}
    status, output, errors = _communicate(program, command, json.dumps(query).encode(), config.get("working_dir"))
    if status != "exit status 0":
        text = f"Program: {program}\nError Message: {errors}\n" if errors else f"{_SILENT}Program: {program}\n"
        raise ProgramError("External Program Execution Failed", f"{_EXECUTION_FAILED}{text}State: {status}")
    try:
        return parse_result(output)
    except (ValueError, RecursionError) as e:
        text = f"Program: {program}\nResult Error: {e}"
        raise ProgramError("Unexpected External Program Results", _UNEXPECTED_RESULTS + text) from e


def parse_result(output: bytes) -> dict[str, str]:
    """Read a JSON object of strings as Go does: null is an empty string or map, bad UTF-8 is U+FFFD."""
    result = json.loads(output.decode(errors="replace"))
    if not isinstance(result, dict | None):
        raise ValueError(f"json: cannot unmarshal {_GO_NAMES[type(result)]} into Go value of type map[string]string")  # noqa: TRY004
    for value in (result or {}).values():
        if not isinstance(value, str | None):
            raise ValueError(f"json: cannot unmarshal {_GO_NAMES[type(value)]} into Go value of type string")  # noqa: TRY004
    return {_mend(key): _mend(value or "") for key, value in (result or {}).items()}


def _communicate(program: str, command: list[str], query: bytes, folder: str | None) -> tuple[str, bytes, str]:
    """Run *program* with *query* on stdin; return how it ended in Go's words, its stdout and its stderr."""
    try:
        process = subprocess.Popen(
            command,
            executable=program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder or None,
            env=_ENVIRONMENT,
        )
    except OSError as e:
        return f"fork/exec {program}: {e.strerror}", b"", ""
    _running.add(process)
    output, errors = process.communicate(query)
    _running.discard(process)
    code = process.returncode
    status = f"exit status {code}" if code >= 0 else f"signal: {signal.strsignal(-code)}".lower()
    return status, output, errors.decode(errors="replace")


def _mend(text: str) -> str:
    """Put U+FFFD where JSON named half a surrogate pair, which UTF-8 cannot hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _main() -> None:
    # The package keeps a certificate under HOME, which is not ours to write to.
    os.environ["HOME"] = str(Path(__file__).resolve().parent.parent / "build")
    # Ctrl-C reaches the whole process group; only Terraform decides, by StopProvider. A handler, unlike SIG_IGN, is not
    # inherited by the programs.
    signal.signal(signal.SIGINT, lambda *_: None)
    runner._ShutdownInterceptor = _StopKillsPrograms  # noqa: SLF001
    runner.run_provider(External())


if __name__ == "__main__":
    _main()
