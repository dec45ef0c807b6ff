"""python/bootstrap.py, run as Terraform runs it: a small program in layerwright's place, an index on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from layerwright import __version__
from support.bootstrap import Module, interpreters, open_module
from support.wheels import make_wheel, sha256_of

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX's links and modes")

OLD = {
    f"{major}.{minor}": path for (major, minor), path in interpreters().items() if (3, 6) <= (major, minor) < (3, 11)
}
NEW = {f"{major}.{minor}": path for (major, minor), path in interpreters().items() if (major, minor) >= (3, 11)}
needs_old_python = pytest.mark.skipif(not OLD, reason="no Python from 3.6 to 3.10 is installed")


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Module]:
    with open_module(tmp_path) as module:
        yield module


def test_arguments_are_the_command_line_and_none_are_terraform_s_query(module: Module) -> None:
    """One file is both ways in; the query must still be on stdin when the program gets to run."""
    assert module.tell(*module.command("build", "--name", "x y"))["arguments"] == ["build", "--name", "x y"]
    told = module.tell(*module.command(), query='{"spec": "ä"}')
    assert (told["arguments"], told["query"]) == (None, '{"spec": "ä"}')
    assert module.run(*module.command("fail")).returncode == 7


def test_the_environment_is_made_once_and_found_again(module: Module) -> None:
    """A plan runs this for each layer and function; only the first may ask the index."""
    first = module.tell(*module.command("x"))
    assert [first["prefix"]] == [str(path) for path in module.environments]
    module.index.requests.clear()
    assert module.tell(*module.command("x")) == first
    assert module.index.requests == []


def test_other_dependencies_make_another_environment(module: Module) -> None:
    """A newer release of the module must not run with what an older one needed, nor take it away."""
    old = module.tell(*module.command("x"))
    wheel = make_wheel(module.index.folder, "tiny", "2.0", files={"tiny.py": "VERSION = '2.0'"})
    module.lock_tiny(sha256_of(wheel), "2.0")
    new = module.tell(*module.command("x"))
    assert (old["tiny"], new["tiny"]) == ("1.0", "2.0")
    assert {old["prefix"], new["prefix"]} == {str(path) for path in module.environments}


@pytest.mark.parametrize("distribution", [("tiny", "1.0"), ("layerwright", __version__)])
def test_an_interpreter_that_has_all_is_used_as_it_is(
    module: Module, tmp_path: Path, distribution: tuple[str, str]
) -> None:
    """A CI image with the dependencies, or layerwright itself, installed needs neither an index nor a cache."""
    make_wheel(module.index.folder, *distribution, files={"tiny.py": "VERSION = 'installed'"})
    own = tmp_path / "own"
    module.make_venv(own, "==".join(distribution))
    module.index.requests.clear()
    told = module.tell(*module.command("x", python=own / "bin" / "python"))
    assert (told["tiny"], told["prefix"]) == ("installed", str(own))
    assert not module.index.requests
    assert not module.environments


def test_an_interpreter_with_other_versions_is_not_used(module: Module, tmp_path: Path) -> None:
    """What is nearly right gives other bytes, or fails where nobody looks."""
    make_wheel(module.index.folder, "tiny", "1.1")
    make_wheel(module.index.folder, "layerwright", "0.0.1")
    module.make_venv(tmp_path / "own", "tiny==1.1", "layerwright==0.0.1")
    assert module.tell(*module.command("x", python=tmp_path / "own" / "bin" / "python"))["tiny"] == "1.0"


def test_nothing_is_left_in_the_module_s_folder(module: Module) -> None:
    """Terraform copies the module's folder about; bytecode belongs into the cache, and is used there."""
    before = sorted(module.folder.rglob("*"))
    module.tell(*module.command("x"))
    assert sorted(module.folder.rglob("*")) == before
    assert [path.name.split(".")[0] for path in module.cache.rglob("bytecode/**/cli.*.pyc")] == ["cli"]


def test_dependencies_come_with_their_bytecode(module: Module) -> None:
    """Compiling boto3 at each plan of a read-only cache would take longer than the plan."""
    prefix = Path(module.tell(*module.command("x"))["prefix"])
    assert len(list(prefix.rglob("__pycache__/tiny.*.pyc"))) == 1


@pytest.mark.parametrize("isolated", [True, False])
def test_files_of_whoever_calls_are_not_run(module: Module, tmp_path: Path, isolated: bool) -> None:
    """A json.py in the root module or on PYTHONPATH must not become part of a plan that holds credentials."""
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    for name in ("json", "hashlib", "tiny", "layerwright"):
        (hostile / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'a').write('{name} ')")
    module.environment["PYTHONPATH"] = str(hostile)
    command = [part for part in module.command("x") if isolated or part != "-I"]
    assert module.tell(*command, cwd=hostile)["tiny"] == "1.0"
    assert not (tmp_path / "run").exists()


@posix
@pytest.mark.parametrize(
    "settings",
    [{"HOME": "/dev/null/none"}, {"XDG_CACHE_HOME": "/dev/null/none"}, {"XDG_CACHE_HOME": "relative"}],
    ids=["home", "cache", "relative"],
)
def test_without_a_writable_home_a_private_temporary_folder_serves(
    module: Module, tmp_path: Path, settings: dict[str, str]
) -> None:
    """Containers run as users who have no home, or one that is read-only."""
    del module.environment["LAYERWRIGHT_CACHE_DIR"]
    module.environment |= {"TMPDIR": str(tmp_path), **settings}
    told = module.tell(*module.command("x"))
    folder = tmp_path / f"layerwright-{os.geteuid()}"
    assert told["cache"] == str(folder)  # so that layerwright's own cache goes there as well
    assert Path(told["prefix"]).is_relative_to(folder)
    assert folder.stat().st_mode & 0o077 == 0
    assert module.tell(*module.command("x")) == told

    folder.chmod(0o777)
    assert "set LAYERWRIGHT_CACHE_DIR" in module.refuse(*module.command("x"))


def test_a_cache_folder_that_was_asked_for_is_not_replaced(module: Module, tmp_path: Path) -> None:
    """Whoever sets it wants the environment in an image, or kept between jobs, and must hear that it is not."""
    (tmp_path / "file").write_text("")
    module.environment["LAYERWRIGHT_CACHE_DIR"] = str(tmp_path / "file" / "cache")
    assert f"LAYERWRIGHT_CACHE_DIR, {tmp_path / 'file' / 'cache'}, cannot be written" in module.refuse(
        *module.command("x")
    )


@posix
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_caller_s_umask_does_not_spoil_the_environment(module: Module, umask: int) -> None:
    """With umask 000 everybody could change it, so the next run would refuse it."""
    command = module.command("x")
    made = subprocess.run(command, capture_output=True, env=module.environment, umask=umask, check=False)
    assert made.returncode == 0, made.stderr
    assert module.tell(*command)["prefix"] == str(module.environments[0])
    assert not [path for path in module.environments[0].rglob("*.py*") if path.stat().st_mode & 0o022]


@posix
def test_an_environment_that_others_can_change_is_not_run(module: Module) -> None:
    """Whoever can write into it runs code in somebody else's plan."""
    (environment,) = [Path(module.tell(*module.command("x"))["prefix"])]
    environment.chmod(0o777)
    assert str(environment) in module.refuse(*module.command("x"))


@posix
def test_an_environment_whose_python_is_gone_is_made_anew(module: Module) -> None:
    """Homebrew and pyenv remove the old interpreter when they install the next one."""
    environment = Path(module.tell(*module.command("x"))["prefix"])
    (environment / "bin" / "python").unlink()
    (environment / "bin" / "python").symlink_to("/nowhere/python3")
    assert module.tell(*module.command("x"))["prefix"] == str(environment)
    assert module.environments == [environment]


def test_a_damaged_environment_says_what_to_remove(module: Module) -> None:
    """Programs that tidy up temporary folders take single old files."""
    environment = Path(module.tell(*module.command("x"))["prefix"])
    next(environment.rglob("tiny.py")).unlink()
    assert f"remove {environment} and run again" in module.refuse(*module.command("x"))


@needs_old_python
@pytest.mark.parametrize("version", OLD)
def test_an_old_python_says_in_one_line_what_to_do(module: Module, version: str) -> None:
    """`python3` is 3.6 to 3.10 on many build machines; a SyntaxError would say nothing to anyone."""
    (Path(module.environment["PATH"]) / "uv").unlink()
    line = module.refuse(*module.command("x", python=OLD[version]))
    assert "needs Python 3.11 or newer" in line
    assert f"is {version}:" in line


@posix
@needs_old_python
@pytest.mark.parametrize("version", NEW)
def test_an_old_python_hands_over_to_a_newer_one_on_path(module: Module, version: str) -> None:
    """Amazon Linux and RHEL have a newer Python beside `python3`; a broken one on the way there is passed over."""
    folder = Path(module.environment["PATH"])
    (folder / f"python{version}").symlink_to(NEW[version])
    broken = folder / "python3.14"
    if not broken.is_symlink():
        broken.write_text("#!/bin/sh\nexit 127\n")
        broken.chmod(0o755)
    told = module.tell(*module.command("x", python=next(iter(OLD.values()))))
    assert ".".join(map(str, told["version"])) == version


@posix
@needs_old_python
def test_an_old_python_asks_uv_for_a_newer_one(module: Module) -> None:
    """uv keeps its own Pythons, which are not on PATH."""
    (Path(module.environment["PATH"]) / "python").symlink_to(list(NEW.values())[-1])  # a name that is not looked for
    assert module.tell(*module.command("x", python=next(iter(OLD.values()))))["version"] >= [3, 11]
