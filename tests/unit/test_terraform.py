"""Terraform's protocol: one object in, one object or one line out, whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.project import write_pylock
from support.wheels import make_wheel, sha256_of

PYTHON = Path(__file__).parents[2] / "python"
ENTRY = f"import sys; sys.path.insert(0, {str(PYTHON)!r}); from layerwright.terraform import main; sys.exit(main())"


def run(query: bytes | dict[str, Any], **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Send *query* as the external provider does."""
    document = query if isinstance(query, bytes) else json.dumps(query).encode()
    return subprocess.run(
        [sys.executable, "-I", "-c", ENTRY],
        input=document,
        capture_output=True,
        env=os.environ | environment,
        check=False,
    )


def ask(spec: dict[str, Any], **environment: str) -> dict[str, str]:
    """The result of a spec that succeeds."""
    ran = run({"spec": json.dumps(spec)}, **environment)
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stderr == b""
    result: dict[str, str] = json.loads(ran.stdout)
    assert all(isinstance(value, str) for value in result.values())
    return result


def refuse(spec: dict[str, Any], **environment: str) -> tuple[int, str]:
    """Exit status and message of a spec that fails."""
    ran = run({"spec": json.dumps(spec)}, **environment)
    assert ran.stdout == b""
    message = ran.stderr.decode()
    assert message.count("\n") == 1, message
    return ran.returncode, message.rstrip("\n")


@pytest.fixture
def spec(tmp_path: Path) -> dict[str, Any]:
    """A layer of one wheel, stored in a directory."""
    project = tmp_path / "größe"
    project.mkdir()
    lock = write_pylock(project, [make_wheel(project, files={"example/__init__.py": "value = 7"})])
    return {
        "runtime": "python3.13",
        "dependencies": {"lock_file": str(lock)},
        "store": {"directory": str(tmp_path / "store")},
    }


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def test_a_query_builds_the_layer_and_the_next_finds_it(spec: dict[str, Any], tmp_path: Path) -> None:
    first = ask(spec)
    stored = tmp_path / "store" / first["filename"]
    written = stored.stat().st_mtime_ns
    second = ask(spec)

    assert first == second
    assert stored.stat().st_mtime_ns == written
    assert first["packages"] == '["example==1.0"]'
    with zipfile.ZipFile(stored) as opened:
        assert opened.read("python/example/__init__.py") == b"value = 7"
        assert int(first["unzipped_size"]) == sum(entry.file_size for entry in opened.infolist())
    manifest = json.loads((tmp_path / "store" / first["manifest_key"]).read_bytes())
    assert manifest["archive"]["sha256"] == sha256_of(stored)
    assert manifest["imports"] == ["example"]
    assert manifest["distributions"][0]["wheel"] == "example-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "latin-1"}, {"PYTHONUTF8": "0", "LC_ALL": "POSIX"}]
)
def test_the_locale_of_the_caller_changes_nothing(locale: dict[str, str], spec: dict[str, Any]) -> None:
    """Terraform runs under whatever locale CI has; the path in this query is not ASCII."""
    assert ask(spec, **locale) == ask(spec)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (b"", "query: not a JSON object of strings"),
        (b"{", "query: not a JSON object of strings"),
        (b"null", "query: not a JSON object of strings"),
        (b'["spec"]', "query: not a JSON object of strings"),
        (b'{"spec": {}}', "query: not a JSON object of strings"),
        (b'{"spec": "\xff"}', "query: not a JSON object of strings"),
        (b'{"spec": "{}", "spec": "{}"}', "a member is there twice"),
        (b'{"spec": "{}", "lock": "x"}', "query: has no member 'lock': it has spec alone"),
        (b"{}", "query: spec is missing: set query = { spec = jsonencode("),
        (b'{"spec": "nonsense"}', "spec: not JSON"),
    ],
)
def test_a_query_that_is_none_is_refused_in_one_line(query: bytes, says: str) -> None:
    ran = run(query)

    assert ran.returncode == 2
    assert ran.stdout == b""
    assert ran.stderr.decode().startswith(says) or says in ran.stderr.decode()
    assert ran.stderr.count(b"\n") == 1


def test_a_field_that_does_not_exist_is_named(spec: dict[str, Any]) -> None:
    assert refuse(spec | {"compatible_runtime": []}) == (
        2,
        "spec: the document has no field 'compatible_runtime': did you mean compatible_runtimes?",
    )


def test_a_wheel_with_another_hash_stores_nothing(spec: dict[str, Any], tmp_path: Path) -> None:
    lock = Path(spec["dependencies"]["lock_file"])
    lock.write_text(lock.read_text().replace(sha256_of(lock.parent / "example-1.0-py3-none-any.whl"), "0" * 64))
    status, message = refuse(spec)

    assert status == 5
    assert "example-1.0-py3-none-any.whl" in message
    assert files_in(tmp_path / "store") == []


def test_never_names_the_command_that_builds_what_is_missing(spec: dict[str, Any], tmp_path: Path) -> None:
    """CI that may only read must say what somebody else has to run."""
    status, message = refuse(spec | {"upload_at": "never"})
    assert status == 7
    command = message.partition("build it with: ")[2]
    assert command.startswith("layerwright build --lock-file ")
    assert files_in(tmp_path / "store") == []

    built = subprocess.run(
        f"{sys.executable} -m {command}", shell=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(PYTHON)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert ask(spec | {"upload_at": "never"})["filename"] in files_in(tmp_path / "store")


def test_apply_names_the_archive_and_touches_nothing(spec: dict[str, Any], tmp_path: Path) -> None:
    result = ask(spec | {"upload_at": "apply", "store": {"bucket": "no-such-bucket"}})

    assert result["s3_key"] == ask(spec)["filename"]
    assert (result["source_code_hash"], result["unzipped_size"]) == ("", "")
    assert files_in(tmp_path / "cache") == []


def test_what_a_library_prints_stays_out_of_the_answer(spec: dict[str, Any]) -> None:
    """One stray line on stdout and Terraform sees no JSON."""
    noisy = (
        f"import os, sys; sys.path.insert(0, {str(PYTHON)!r}); import layerwright.terraform as t; run = t.run; "
        "t.run = lambda s: (print('noise', flush=True), os.write(1, b'more'), run(s))[2]; sys.exit(t.main())"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", noisy], input=json.dumps({"spec": json.dumps(spec)}).encode(), capture_output=True,
        check=True,
    )  # fmt: skip

    assert json.loads(ran.stdout)["packages"] == '["example==1.0"]'
    assert b"noise" in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_an_answer_that_cannot_be_written_is_a_failure(spec: dict[str, Any]) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-I", "-c", ENTRY], input=json.dumps({"spec": json.dumps(spec)}).encode(), stdout=full,
            stderr=subprocess.PIPE, check=False,
        )  # fmt: skip

    assert ran.returncode == 70
    assert ran.stderr == b"output: No space left on device\n"


def test_a_closed_stderr_does_not_matter(spec: dict[str, Any]) -> None:
    command = f'{sys.executable} -I -c "{ENTRY}" 2>&-'
    query = json.dumps({"spec": json.dumps(spec)}).encode()
    ran = subprocess.run(["sh", "-c", command], input=query, stdout=subprocess.PIPE, check=True)

    assert json.loads(ran.stdout)["packages"] == '["example==1.0"]'


def test_a_function_has_its_handler_checked(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def lambda_handler(event, context): ...")
    spec = {
        "runtime": "python3.13",
        "kind": "function",
        "sources": [{"path": str(tmp_path / "app.py")}],
        "store": {"directory": str(tmp_path / "store")},
    }

    assert ask(spec)["handler"] == "app.lambda_handler"
    assert ask(spec)["filename"].startswith("function-")
    assert refuse(spec | {"handler": "app.handler"}) == (
        2,
        "handler app.handler: app.py defines no handler, but lambda_handler: correct handler",
    )
