"""tools/external_provider.py beside what hashicorp/external promises, through real Terraform."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.terraform import Terraform, load_tool, write_root

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.skipif(not shutil.which("terraform"), reason="Terraform is not installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="the stand-in needs POSIX"),
]

PRINT_STDIN = "import json, sys; print(json.dumps({'stdin': sys.stdin.read()}))"

MOCKED = """
data "external" "this" {
  program = ["no-such-program"]
}

output "answer" {
  value = data.external.this.result.answer
}
"""

MOCKED_TEST = """
mock_provider "external" {
  mock_data "external" {
    defaults = { result = { answer = "mocked" } }
  }
}

run "mocked" {
  command = plan

  assert {
    condition     = output.answer == "mocked"
    error_message = output.answer
  }
}
"""


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLI configuration that has the stand-in, whatever else this machine has."""
    providers = load_tool("providers")
    folder = tmp_path_factory.mktemp("mirror")
    found = providers.find_in_mirrors([], folder / "mirror")
    assert found.has_stand_in
    file = folder / "terraform.tfrc"
    file.write_text(providers.render_configuration(found, folder / "cache"))
    return file


def make_root(folder: Path, sources: dict[str, dict[str, Any]]) -> Path:
    """A root module with a `data "external"` for each of *sources* and one output with all results."""
    document = {
        "data": {"external": sources},
        "output": {"results": {"value": {name: f"${{data.external.{name}}}" for name in sources}}},
    }
    (folder / "main.tf.json").write_text(json.dumps(document))
    return folder


def python(code: str, *arguments: str) -> list[str]:
    return ["python3", "-c", code, *arguments]


def prints(text: str | bytes) -> list[str]:
    """A program that answers with *text* whatever it is asked."""
    data = text.encode() if isinstance(text, str) else text
    return python(f"import sys; sys.stdout.buffer.write({data!r})")


def test_answers_arrive_as_from_the_genuine_provider(tmp_path: Path, configuration: Path) -> None:
    """A test that passes with the stand-in must mean what it means with hashicorp/external."""
    (tmp_path / "elsewhere").mkdir()
    sources: dict[str, dict[str, Any]] = {
        "query": {"program": python(PRINT_STDIN), "query": {"name": "läyer", "empty": "", "gone": None}},
        "no_query": {"program": python(PRINT_STDIN)},
        "environment": {"program": python("import os, json; print(json.dumps({'x': os.environ['FROM_OUTSIDE']}))")},
        "home": {"program": python("import os, json; print(json.dumps({'x': os.environ['HOME']}))")},
        "folder": {
            "program": python("import os, json; print(json.dumps({'x': os.path.basename(os.getcwd())}))"),
            "working_dir": str(tmp_path / "elsewhere"),
        },
        "empty_arguments": {
            "program": ["", *python("import sys, json; print(json.dumps({'x': str(sys.argv)}))", "", "a")]
        },
        "null_value": {"program": prints('{"a": null}')},
        "null": {"program": prints("null")},
        "twice": {"program": prints('{"a": "1", "a": "2"}')},
        "not_utf8": {"program": prints(b'{"a": "\xff"}')},
        "half_a_pair": {"program": prints(r'{"a": "\ud83d"}')},
        "spaces": {"program": prints(' \n{"a": "b"}\n\n')},
        "stderr_on_success": {"program": python("import sys; sys.stderr.write('unseen'); print('{}')")},
    }
    environment = {"FROM_OUTSIDE": "yes", "HOME": str(tmp_path)}
    terraform = Terraform(make_root(tmp_path, sources), environment=environment, configuration=configuration)
    terraform.init()
    terraform.apply()
    found = terraform.output()["results"]
    results = {name: source["result"] for name, source in found.items()}

    assert json.loads(results["query"]["stdin"]) == {"name": "läyer", "empty": ""}
    assert results["no_query"] == {"stdin": "{}"}
    assert results["environment"] == {"x": "yes"}
    assert results["home"] == {"x": str(tmp_path)}
    assert results["folder"] == {"x": "elsewhere"}
    assert results["empty_arguments"] == {"x": "['-c', 'a']"}
    assert results["null_value"] == {"a": ""}
    assert results["null"] == {}
    assert results["twice"] == {"a": "2"}
    assert results["not_utf8"] == results["half_a_pair"] == {"a": "\ufffd"}
    assert results["spaces"] == {"a": "b"}
    assert results["stderr_on_success"] == {}
    assert {source["id"] for source in found.values()} == {"-"}

    assert "No changes" in terraform.plan()
    terraform.destroy()


def test_failures_are_told_as_by_the_genuine_provider(tmp_path: Path, configuration: Path) -> None:
    """Users see layerwright's one line inside these words; nothing that is not an object of strings gets through."""
    sources: dict[str, dict[str, Any]] = {
        "number": {"program": prints('{"a": 1}')},
        "nested": {"program": prints('{"a": {"b": "c"}}')},
        "list": {"program": prints("[]")},
        "nothing": {"program": prints("")},
        "trailing": {"program": prints('{"a": "b"} more')},
        "mark": {"program": prints('\ufeff{"a": "b"}')},
        "refused": {"program": python("import sys; print('{}'); sys.exit('uv.lock: no wheel: pin it')")},
        "silent": {"program": python("import sys; sys.exit(3)")},
        "unknown": {"program": ["no-such-program"]},
        "no_program": {"program": [""]},
    }
    terraform = Terraform(make_root(tmp_path, sources), configuration=configuration)
    terraform.env["SHELL"] = "/bin/none"  # the genuine provider asks the user's shell for a program it cannot find
    terraform.init()
    planned = terraform.run("plan", "-json")
    assert planned.returncode == 1

    messages = [json.loads(line) for line in planned.stdout.splitlines()]
    errors = {
        message["diagnostic"]["address"].removeprefix("data.external."): message["diagnostic"]
        for message in messages
        if message["@level"] == "error"
    }
    assert errors.keys() == sources.keys()
    titles = {name: error["summary"] for name, error in errors.items()}
    for name in ("number", "nested", "list", "nothing", "trailing", "mark"):
        assert titles[name] == "Unexpected External Program Results", name
        assert "must be a JSON encoded map of string keys and string values" in errors[name]["detail"]
    assert "cannot unmarshal number into Go value of type string" in errors["number"]["detail"]
    assert titles["refused"] == titles["silent"] == "External Program Execution Failed"
    assert errors["refused"]["detail"].startswith(
        "The data source received an unexpected error while attempting to execute the program.\n\nProgram: /"
    )
    assert errors["refused"]["detail"].endswith(
        "python3\nError Message: uv.lock: no wheel: pin it\n\nState: exit status 1"
    )
    assert errors["silent"]["detail"].endswith("State: exit status 3")
    assert "returned no additional error messaging" in errors["silent"]["detail"]
    assert titles["unknown"] == "External Program Lookup Failed"
    assert "Program: no-such-program\n" in errors["unknown"]["detail"]
    assert titles["no_program"] == "External Program Missing"


def test_an_interrupt_kills_the_program_at_once(tmp_path: Path, configuration: Path) -> None:
    """The genuine provider gives the program no time to clean up, so tests with the stand-in may not either."""
    waits = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(300)"
    terraform = Terraform(make_root(tmp_path, {"slow": {"program": python(waits)}}), configuration=configuration)
    terraform.init()
    with subprocess.Popen(
        ["terraform", "plan", "-no-color"],
        cwd=tmp_path,
        env=terraform.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        pid = wait_for_pid(tmp_path / "pid")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert "State: signal: killed" in output
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def wait_for_pid(file: Path) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if file.exists() and (text := file.read_text()):
            return int(text)
        time.sleep(0.02)
    raise AssertionError("the program did not start")


def test_terraform_test_mocks_it(tmp_path: Path, configuration: Path) -> None:
    """The modules' own tests run without Python, on `mock_provider "external"`, which takes the provider's schema."""
    write_root(tmp_path, main=MOCKED)
    (tmp_path / "mocked.tftest.hcl").write_text(MOCKED_TEST)
    terraform = Terraform(tmp_path, configuration=configuration)
    terraform.init()
    assert "1 passed, 0 failed" in terraform.execute_command("test", "-no-color").out
