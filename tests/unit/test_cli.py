"""The command line: what it prints where, and with which status it ends."""

from __future__ import annotations

import inspect
import json
import shlex
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
from layerwright import __version__
from layerwright.cli import main
from layerwright.command_line import render_command
from layerwright.options import make_spec, takes_spec
from layerwright.spec import Dependencies, LayerSpec, Prune, Source, Store
from support.project import write_pylock
from support.wheels import make_wheel


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a lock file of one wheel and a package of one's own, which is the current folder."""
    write_pylock(tmp_path, [make_wheel(tmp_path)])
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "__init__.py").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


BUILD = ["build", "--lock-file", "pylock.toml", "--runtime", "python3.13"]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"layerwright {__version__}\n"


def test_build_writes_the_archive_and_nothing_else(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name for path in project.iterdir()}

    assert main([*BUILD, "--source", "orders", "--source", "acme/orders=orders", "--output", "layer.zip"]) == 0
    assert {path.name for path in project.iterdir()} - before == {"layer.zip"}
    names = zipfile.ZipFile("layer.zip").namelist()
    assert {"python/orders/__init__.py", "python/acme/orders/__init__.py", "python/example/__init__.py"} <= set(names)
    said = capsys.readouterr()
    assert said.out.startswith("layer.zip\n  built, ")
    assert said.err == ""


def test_json_has_a_version_and_what_the_modules_take(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*BUILD, "--directory", "store", "--format", "json"]) == 0
    printed = json.loads(capsys.readouterr().out)

    assert printed["version"] == "1"
    assert (project / "store" / printed["filename"]).stat().st_size == int(printed["zip_size"])


def test_key_is_the_name_that_build_gives(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipeline asks for the key first and skips the rest where it is stored."""
    assert main(["key", *BUILD[1:]]) == 0
    key = capsys.readouterr().out.strip()
    assert main([*BUILD, "--directory", "store"]) == 0

    assert (project / "store" / key).exists()
    assert main(["key", *BUILD[1:], "--bucket", "acme", "--prefix", "layers/"]) == 0
    assert capsys.readouterr().out.endswith(f"layers/{key}\n")


def test_a_spec_in_the_environment_stands_for_options(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The provisioner of upload_at = "apply" runs just `build`, without a shell's quoting."""
    spec = {
        "runtime": "python3.13",
        "upload_at": "apply",
        "dependencies": {"lock_file": str(project / "pylock.toml")},
        "store": {"directory": str(project / "store")},
    }
    monkeypatch.setenv("LAYERWRIGHT_SPEC", json.dumps(spec))

    assert main(["build"]) == 0
    assert (project / "store" / capsys.readouterr().out.splitlines()[0]).exists()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["build", "--runtime", "python3.13", "--source", "orders"], 2, "where to: give one of --output, --directory"),
        ([*BUILD, "--output", "x.zip", "--directory", "d"], 2, "where to: give one of"),
        ([*BUILD, "--output", "missing/x.zip"], 2, "--output missing/x.zip: there is no folder missing"),
        (["build", "--output", "x.zip"], 2, "no runtime: give --runtime"),
        ([*BUILD[:4], "python3.99", "--output", "x.zip"], 2, "runtime 'python3.99' does not exist"),
        ([*BUILD, "--architecture", "sparc", "--output", "x.zip"], 2, "architecture 'sparc' does not exist"),
        (["build", "--lock-file", "no.toml", "--runtime", "python3.13", "--output", "x.zip"], 3, "no.toml: "),
        ([*BUILD, "--frobnicate"], 2, "No such option"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_what_is_wrong_is_told_on_stderr_with_its_status(
    arguments: list[str], status: int, says: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts read stdout and the status; people read stderr."""
    assert main(arguments) == status
    said = capsys.readouterr()
    assert says in said.err
    assert said.out == ""
    assert not (project / "x.zip").exists()


def test_warnings_do_not_disturb_the_result(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*BUILD[:4], "python3.8", "--leave-out", "bto3", "--output", str(project / "x.zip"), "--format", "json"]
    assert main(arguments) == 0
    said = capsys.readouterr()

    assert len(json.loads(json.loads(said.out)["warnings"])) == 2
    assert said.err.startswith("warning: prune.distributions names bto3")


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_every_option_is_explained() -> None:
    """`--help` is where people look first."""
    options = inspect.signature(make_spec, eval_str=True).parameters.values()

    assert [option.name for option in options if not option.annotation.__metadata__[0].help] == []


def test_every_field_of_a_spec_has_an_option() -> None:
    """Whatever the modules can ask for can be built by hand, as the error of upload_at = "never" promises."""
    renamed = {
        "dependencies": "lock_file", "sources": "source", "store": "bucket", "upload_at": "output",
        "compatible_runtimes": "compatible_runtime", "compatible_architectures": "compatible_architecture",
        "provided_libraries": "provided_library",
    }  # fmt: skip
    options = {*inspect.signature(make_spec).parameters, "output"}

    assert {renamed.get(name, name) for name in LayerSpec.__struct_fields__} <= options


SPECS: list[dict[str, Any]] = [
    {"dependencies": Dependencies(lock_file="/p/uv.lock", extras=("a", "b"), groups=("g",), relock="2", format="uv")},
    {"dependencies": Dependencies(lock_file="/p/uv.lock", build_from_source=("orders", ":all:"))},
    {"dependencies": Dependencies(lock_file="/p/uv.lock", package="prices")},
    {"sources": (Source(path="/p/src/a b"), Source(path="/p/x.py", prefix="d/e"), Source(path="/p/y", prefix=""))},
    {"sources": (Source(path="/p/f"),), "kind": "function", "handler": "app.run", "check_handler": False, "name": "n"},
    {
        "sources": (Source(path="/p/f"),),
        "prune": Prune(
            defaults=False, keep=("a/", "-b"), drop=("*.md",), distributions=("boto3",), with_dependencies=True,
            runtime_boto3=True,
        ),
        "scripts": True,
        "check_limits": False,
        "check_elf": False,
        "provided_libraries": ("libgomp.so.1",),
        "provided_by": ("/p/layer.json", "s3://b/layer.json"),
        "architecture": "arm64",
        "compatible_runtimes": ("python3.12", "python3.11"),
        "compatible_architectures": ("x86_64",),
    },
    {
        "sources": (Source(path="/p/f"),),
        "store": Store(bucket="b", prefix="p/", region="r", profile="q", role_arn="a:r", endpoint_url="http://h"),
    },
    {
        "sources": (Source(path="/p/f"),),
        "store": Store(bucket="b", kms_key_id="k"),
    },
    {"sources": (Source(path="/p/f"),), "store": Store(directory="/p/store")},
]  # fmt: skip


@pytest.mark.parametrize("fields", SPECS)
def test_the_command_of_a_spec_asks_for_that_spec(fields: dict[str, Any]) -> None:
    """An error names this command: run, it must build exactly what was missing."""
    spec = LayerSpec(runtime="python3.13", **fields)
    seen: list[LayerSpec] = []

    def note(spec: LayerSpec) -> int:
        seen.append(spec)
        return 0

    app = typer.Typer()
    app.command()(takes_spec(note))
    app(shlex.split(render_command(spec))[2:], standalone_mode=False)

    assert seen == [spec]


def test_options_start_from_the_defaults_of_a_spec() -> None:
    assert make_spec(runtime="python3.13", source=["/p/f"]) == LayerSpec(
        runtime="python3.13", sources=(Source(path="/p/f"),)
    )
