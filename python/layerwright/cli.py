"""The command line: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from msgspec import structs

from layerwright import __version__
from layerwright import build as program
from layerwright.cache import WheelCache, cache_folder
from layerwright.errors import LayerwrightError, SpecError, describe_bug
from layerwright.options import make_spec, takes_spec
from layerwright.result import Result, render_result, warn_of_runtimes
from layerwright.spec import LayerSpec, render_schema
from layerwright.store import StoredLayer, open_store
from layerwright.target import UNZIPPED_LIMIT

FORMAT_VERSION = "1"
"""Of what `--format json` prints; raised when a field changes its meaning."""

OutputFormat = Annotated[Literal["text", "json"], typer.Option("--format", help="What to print.")]

app = typer.Typer(
    name="layerwright",
    help="Assemble AWS Lambda layers for Python from a lock file.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    if version:
        print(f"layerwright {__version__}")
        raise typer.Exit


@app.command()
@takes_spec
def build(
    spec: LayerSpec,
    output: Annotated[
        str, typer.Option("--output", "-o", help="Write the archive to this file and store it nowhere.")
    ] = "",
    format: OutputFormat = "text",
) -> int:
    """Build the archive and store it, unless it is stored already."""
    if bool(output) == bool(spec.store):
        raise SpecError("where to: give one of --output, --directory and --bucket")
    began = time.perf_counter()
    result = _build_file(spec, Path(output)) if output else _build_stored(spec)
    result = replace(result, warnings=(*result.planned.warnings, *warn_of_runtimes(spec, datetime.now(UTC).date())))
    _print_result(result, format, time.perf_counter() - began)
    return 0


@app.command()
@takes_spec
def key(spec: LayerSpec, format: OutputFormat = "text") -> int:
    """Print the name that the archive has or would have; nothing is built, stored or looked up in a store."""
    result = Result(planned=program.plan(spec), stored=None)
    if format == "json":
        _print_json(result)
    else:
        rendered = render_result(result)
        print(rendered["s3_key"] or rendered["filename"])
    return 0


@app.command()
def lock(
    lock_file: Annotated[str, typer.Option(help="Lock file of any tool, requirements.txt or pyproject.toml.")],
    runtime: Annotated[list[str], typer.Option(help="Lambda runtime that the result must serve; may be repeated.")],
    lock_format: Annotated[str, typer.Option(help="How to read it, where the name does not say.")] = "",
    extra: Annotated[list[str], typer.Option(help="Extra of the project.")] = [],  # noqa: B006
    group: Annotated[list[str], typer.Option(help="Dependency group.")] = [],  # noqa: B006
    package: Annotated[str, typer.Option(help="Member of a uv workspace.")] = "",
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Choose newest versions, whatever the output has.")
    ] = False,
    exclude_newer: Annotated[str, typer.Option(help="Leave out what was uploaded from this date on.")] = "",
    output: Annotated[str, typer.Option("--output", "-o", help="File to write.")] = "pylock.toml",
) -> int:
    """Write one pylock.toml for all runtimes given, on both architectures: converted from a lock file, or resolved."""
    from layerwright.relock import make_pylock

    spec = make_spec(
        runtime=runtime[0],
        compatible_runtime=runtime[1:],
        compatible_architecture=["arm64"],
        lock_file=lock_file,
        lock_format=lock_format,
        extra=extra,
        group=group,
        package=package,
    )
    path = Path(output).absolute()
    _write_whole(path, make_pylock(spec, path, upgrade=upgrade, exclude_newer=exclude_newer))
    print(output)
    return 0


@app.command()
def schema() -> int:
    """Print the JSON Schema of a spec, the document that the Terraform modules send."""
    print(json.dumps(render_schema(), indent=2))
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line on *arguments*; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        return app(arguments, standalone_mode=False) or 0
    except LayerwrightError as e:
        print(e, file=sys.stderr)
        return e.exit_code
    except typer.Abort:
        return 130
    except Exception as e:  # noqa: BLE001 — a person gets a line, not a traceback
        if hasattr(e, "show") and hasattr(e, "exit_code"):  # click's usage errors, whichever click typer carries
            e.show()
            return int(e.exit_code)
        print(describe_bug(e), file=sys.stderr)
        return LayerwrightError.exit_code


def _build_stored(spec: LayerSpec) -> Result:
    assert spec.store
    return program.build(structs.replace(spec, upload_at="plan"), open_store(spec.store), _cache())


def _build_file(spec: LayerSpec, output: Path) -> Result:
    """Build into a file beside *output* that then takes its name, so that nobody ever sees half an archive."""
    if not output.parent.is_dir():
        raise SpecError(f"--output {output}: there is no folder {output.parent}")
    planned = program.plan(spec)
    part = output.with_name(f".{output.name}.{os.urandom(8).hex()}")
    try:
        archive, _ = program.make_archive(planned, _cache(), part)
        part.replace(output)
    except OSError as e:
        raise SpecError(f"--output {output}: cannot be written: {e.strerror or e}") from e
    finally:
        part.unlink(missing_ok=True)
    stored = StoredLayer(
        digest=planned.digest,
        sha256=archive.sha256,
        zip_size=archive.size,
        unzipped_size=archive.unzipped_size,
        manifest_key="",
        filename=str(output),
        built=True,
    )
    return Result(planned=planned, stored=stored)


def _write_whole(output: Path, contents: bytes) -> None:
    """Write a file that then takes its name, so that nobody ever sees half of it."""
    part = output.with_name(f".{output.name}.{os.urandom(8).hex()}")
    try:
        part.write_bytes(contents)
        part.replace(output)
    except OSError as e:
        raise SpecError(f"--output {output}: cannot be written: {e.strerror or e}") from e
    finally:
        part.unlink(missing_ok=True)


def _cache() -> WheelCache:
    return WheelCache(folder=cache_folder() / "wheels")


def _print_result(result: Result, output_format: str, seconds: float) -> None:
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if output_format == "json":
        _print_json(result)
        return
    stored = result.stored
    assert stored
    print(f"s3://{stored.bucket}/{stored.key}" if stored.bucket else stored.filename)
    print(f"  {'built' if stored.built else 'was stored already'}, {seconds:.1f} s")
    unzipped = f"{_megabytes(stored.unzipped_size)} of {_megabytes(UNZIPPED_LIMIT)} unzipped"
    print(f"  {_megabytes(stored.zip_size)} zipped, {unzipped}")
    print(f"  {len(result.planned.packages)} distributions, {len(result.planned.sources)} files of sources")


def _print_json(result: Result) -> None:
    print(json.dumps({"version": FORMAT_VERSION} | render_result(result), indent=2))


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB"
