"""Reading uv.lock through uv itself, run for real."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from layerwright.build import plan
from layerwright.errors import LockError, ResolutionError
from layerwright.lock import read_lock
from layerwright.resolve import find_folders, resolve
from layerwright.spec import Dependencies, LayerSpec, Prune
from msgspec.structs import replace
from packaging.pylock import Pylock
from support.index import LocalIndex, point_uv_at
from support.wheels import make_wheel
from uv import find_uv_bin

PROJECT = """
[project]
name = "my-orders"
version = "0.1"
requires-python = ">=3.10"
dependencies = ["orders"]

[project.optional-dependencies]
fast = ["speed"]

[dependency-groups]
dev = ["linter"]
batch = ["worker"]
"""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalIndex]:
    wheels = tmp_path / "wheels"
    make_wheel(wheels, "orders", "1.2", requires=["shop>=2"])
    for name in ("shop", "speed", "linter", "worker"):
        make_wheel(wheels, name, "2.0")
    with LocalIndex(wheels) as index:
        point_uv_at(index.url, tmp_path, monkeypatch)
        yield index


@pytest.fixture
def lock_file(index: LocalIndex, tmp_path: Path) -> Path:
    """A uv.lock of `PROJECT`; the index has not been asked since."""
    path = lock_project(tmp_path / "project", PROJECT)
    index.requests.clear()
    return path


def lock_project(folder: Path, pyproject: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(pyproject)
    command = [find_uv_bin(), "lock", "--quiet", "--python", sys.executable, "--no-python-downloads"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "uv.lock"


def spec_of(path: Path, **wanted: object) -> LayerSpec:
    return LayerSpec(runtime="python3.13", dependencies=Dependencies(lock_file=str(path), **wanted))  # type: ignore[arg-type]


def read(path: Path, **wanted: object) -> Pylock:
    lock = read_lock(spec_of(path, **wanted), None)
    assert lock
    return lock


def names(lock: Pylock) -> list[str]:
    return [package.name for package in lock.packages]


def test_a_projects_dependencies_are_read_without_the_project_and_its_dev_group(lock_file: Path) -> None:
    """What develops a function does not run it, and one's own code comes from `sources`."""
    lock = read(lock_file)

    assert names(lock) == ["orders", "shop"]
    assert [choice.filename for choice in resolve(lock, spec_of(lock_file))] == [
        "orders-1.2-py3-none-any.whl",
        "shop-2.0-py3-none-any.whl",
    ]


def test_extras_and_groups_are_read_when_asked_for(lock_file: Path) -> None:
    """A worker's layer needs the group `batch`; the function's does not."""
    assert names(read(lock_file, extras=("fast",), groups=("batch", "dev"))) == [
        "linter",
        "orders",
        "shop",
        "speed",
        "worker",
    ]


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        ({"extras": ("quick",)}, "uv.lock: has no extra quick: it has fast: "),
        ({"groups": ("prod",)}, "uv.lock: has no dependency group prod: it has batch, dev: "),
    ],
)
def test_unknown_extras_and_groups_are_named_with_those_there_are(
    lock_file: Path, wanted: dict[str, object], what: str
) -> None:
    with pytest.raises(LockError) as refused:
        read(lock_file, **wanted)

    assert str(refused.value).startswith(what)


def test_neither_index_nor_interpreter_nor_home_is_needed_and_nothing_is_written(
    lock_file: Path, index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan runs on bare CI machines, in a checkout that it must leave as it was."""
    for name in ("PATH", "HOME", "XDG_CONFIG_HOME", "UV_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    assert names(read(lock_file)) == ["orders", "shop"]

    assert index.requests == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_persons_settings_of_uv_do_not_matter(
    lock_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same lock file must give the same layer whoever plans."""
    expected = read(lock_file)
    settings = tmp_path / "settings" / "uv" / "uv.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('required-version = ">=99"')
    (lock_file.parent / "uv.toml").write_text("this is no TOML")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    for name, value in {
        "UV_CONFIG_FILE": "/nonexistent/uv.toml",
        "UV_LOCKED": "1",
        "UV_NO_DEFAULT_GROUPS": "0",
        "UV_NO_EMIT_PROJECT": "0",
        "UV_PROJECT": "/nonexistent",
        "UV_PYTHON": "3.99",
        "UV_WORKING_DIR": "/nonexistent",
        "FORCE_COLOR": "1",
        "RUST_LOG": "trace",
    }.items():
        monkeypatch.setenv(name, value)

    assert read(lock_file) == expected


def test_a_project_table_of_uv_that_asks_for_another_uv_does_not_matter(lock_file: Path) -> None:
    """The lock file's own version decides whether this uv can read it."""
    pyproject = lock_file.with_name("pyproject.toml")
    pyproject.write_text(PROJECT + '[tool.uv]\nrequired-version = ">=99"\n')

    assert names(read(lock_file)) == ["orders", "shop"]


def test_a_missing_project_file_is_said(lock_file: Path) -> None:
    """uv's own message would speak of discovering projects."""
    lock_file.with_name("pyproject.toml").unlink()

    with pytest.raises(
        LockError, match=r"^uv.lock: there is no pyproject.toml beside it, .*: put it there, or run `uv exp"
    ):
        read(lock_file)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda text: text.replace("version = 1", "version = 7", 1), "unsupported schema version (v7"),
        (lambda text: text[: len(text) // 2], "Failed to parse `uv.lock`: TOML parse error at line "),
        (lambda _: "", "is empty"),
        (lambda _: "version = 1\nx = " + "[" * 100_000, "Failed to parse `uv.lock`: TOML parse error at line 2"),
        (lambda _: "version = 1\n\0", "holds NUL characters"),
        (lambda text: text.replace("sha256:", "sha256:zz"), "uv.lock"),
    ],
)
def test_a_spoilt_lock_file_is_refused_in_one_line(lock_file: Path, spoil: object, what: str) -> None:
    assert callable(spoil)
    lock_file.write_text(spoil(lock_file.read_text()))

    with pytest.raises((LockError, ResolutionError)) as refused:
        resolve(read(lock_file), spec_of(lock_file))

    assert str(refused.value).startswith("uv.lock: ")
    assert what in str(refused.value)
    assert "\n" not in str(refused.value)
    assert " | " not in str(refused.value)  # uv's drawing of the spot


def test_a_lock_file_that_is_not_there_is_named(lock_file: Path) -> None:
    lock_file.unlink()

    with pytest.raises(
        LockError, match=r"^uv.lock: there is no such file in .*project: lock first, or correct the path$"
    ):
        read(lock_file)


def test_another_name_is_refused(lock_file: Path) -> None:
    """uv would read the uv.lock beside it in its place, which is another one."""
    other = shutil.copy(lock_file, lock_file.with_name("other.lock"))

    with pytest.raises(LockError, match=r"^other.lock: uv reads its lock file under the name uv.lock only: rename it$"):
        read(Path(other), format="uv")


def test_a_spoilt_project_file_is_named(lock_file: Path) -> None:
    lock_file.with_name("pyproject.toml").write_text("[project\n")

    with pytest.raises(LockError, match=r"^pyproject.toml: is not TOML: "):
        read(lock_file)


@pytest.mark.usefixtures("index")
def test_a_member_of_the_workspace_is_found_in_its_folder(tmp_path: Path) -> None:
    """Left out, it would be an import error in the function."""
    member = tmp_path / "project" / "libs" / "prices"
    member.mkdir(parents=True)
    (member / "pyproject.toml").write_text('[project]\nname = "prices"\nversion = "0"\ndependencies = ["shop"]\n')
    path = lock_project(
        tmp_path / "project",
        '[project]\nname = "root"\nversion = "0"\nrequires-python = ">=3.10"\ndependencies = ["prices"]\n'
        '[tool.uv.workspace]\nmembers = ["libs/*"]\n[tool.uv.sources]\nprices = { workspace = true }\n',
    )
    lock = read(path)

    assert names(lock) == ["prices", "shop"]
    assert [choice.name for choice in resolve(lock, spec_of(path))] == ["shop"]
    assert find_folders(lock, spec_of(path)) == (member,)


@pytest.mark.usefixtures("index")
def test_a_workspace_without_a_project_gives_what_its_members_need(tmp_path: Path) -> None:
    """Such a root has nothing of its own; its members are one's own projects."""
    for name, needs in {"prices": "shop", "stock": "speed"}.items():
        member = tmp_path / "project" / name
        member.mkdir(parents=True)
        (member / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "0"\ndependencies = ["{needs}"]\n'
        )
    path = lock_project(tmp_path / "project", '[tool.uv.workspace]\nmembers = ["prices", "stock"]\n')

    assert names(read(path)) == ["shop", "speed"]


def test_a_lock_file_left_over_in_a_member_is_refused(lock_file: Path, tmp_path: Path) -> None:
    """uv reads the workspace's lock file in its place, so the layer would not be what the file says."""
    root = tmp_path / "pyproject.toml"
    root.write_text('[tool.uv.workspace]\nmembers = ["./pro*/"]\n')

    with pytest.raises(LockError, match=r"^uv.lock: .* is a member of the workspace .*: use the uv.lock of that$"):
        read(lock_file)

    root.write_text('[tool.uv.workspace]\nmembers = ["*"]\nexclude = ["project"]\n')

    assert names(read(lock_file)) == ["orders", "shop"]


def test_a_project_below_another_is_none_of_its_members(lock_file: Path, tmp_path: Path) -> None:
    """Functions often lie in folders of a larger project."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "larger"\nversion = "0"\n')

    assert names(read(lock_file)) == ["orders", "shop"]


def test_sources_of_every_kind_are_read(index: LocalIndex, tmp_path: Path) -> None:
    """Whether a repository, a folder or a file of this machine will do is for `resolve` to say, by name."""
    project = tmp_path / "project"
    make_wheel(project / "wheels", "local", "1.0")
    repository = tmp_path / "repository"
    for folder, name in ((repository, "tracked"), (project / "near", "near")):
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\nversion = "0"\n')
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "first"]):
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
        settings = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
        subprocess.run(["git", *identity, *command], cwd=repository, env=settings, check=True)
    path = lock_project(
        project,
        '[project]\nname = "root"\nversion = "0"\nrequires-python = ">=3.10"\n'
        'dependencies = ["local", "tracked", "near", "orders", "shop"]\n[tool.uv.sources]\n'
        'local = { path = "wheels/local-1.0-py3-none-any.whl" }\nnear = { path = "near", editable = true }\n'
        f'tracked = {{ git = "{repository.as_uri()}" }}\n'
        f'orders = {{ url = "{index.file_url("orders-1.2-py3-none-any.whl")}" }}\n',
    )

    packages = {str(package.name): package for package in read(path).packages}

    assert packages["local"].archive
    assert packages["local"].archive.path == str(project / "wheels" / "local-1.0-py3-none-any.whl")
    assert packages["orders"].archive
    assert packages["tracked"].vcs
    assert packages["near"].directory


@pytest.mark.usefixtures("index")
def test_wheels_in_a_folder_that_serves_as_index_are_found(tmp_path: Path) -> None:
    """Teams without an index keep wheels in a folder beside the lock file, which then has no hashes of them."""
    make_wheel(tmp_path / "project" / "vendored", "local", "1.0")
    path = lock_project(
        tmp_path / "project",
        '[project]\nname = "root"\nversion = "0"\nrequires-python = ">=3.10"\ndependencies = ["local"]\n'
        '[[tool.uv.index]]\nname = "vendored"\nurl = "vendored"\nformat = "flat"\n',
    )

    choice = resolve(read(path), spec_of(path))[0]

    assert choice.path == tmp_path / "project" / "vendored" / "local-1.0-py3-none-any.whl"


def test_a_uv_that_is_nowhere_is_asked_for(lock_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The environment of a person who installed by hand may lack it."""
    monkeypatch.setattr("uv.find_uv_bin", lambda: (_ for _ in ()).throw(FileNotFoundError()))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LockError, match=r"^uv: is not to be found: install it, for instance with `pip install uv`$"):
        read(lock_file)


def test_a_uv_on_the_path_will_do(lock_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = find_uv_bin()
    monkeypatch.setattr("uv.find_uv_bin", lambda: (_ for _ in ()).throw(FileNotFoundError()))
    monkeypatch.setenv("PATH", str(Path(binary).parent), prepend=os.pathsep)

    assert names(read(lock_file)) == ["orders", "shop"]


def test_what_nothing_else_needs_goes_with_what_is_left_out(index: LocalIndex, tmp_path: Path) -> None:
    """Leaving out boto3 by name alone would keep botocore, which is 90 % of it."""
    for name, requires in {
        "sdk": ["core", "shared"],
        "core": [],
        "shared": [],
        "direct": [],
        "tool": ["direct"],
    }.items():
        make_wheel(index.folder, name, "1.0", requires=requires)
    text = PROJECT.replace('["orders"]', '["sdk", "tool", "direct", "shared"]')
    path = lock_project(tmp_path / "pruned", text)

    def planned(*distributions: str, with_dependencies: bool = True) -> list[str]:
        prune = Prune(distributions=distributions, with_dependencies=with_dependencies)
        return [wheel.name for wheel in plan(replace(spec_of(path), prune=prune)).wheels]

    assert planned("sdk", with_dependencies=False) == ["core", "direct", "shared", "tool"]
    assert planned("SDK") == ["direct", "shared", "tool"]
    assert planned("tool", "sdk") == ["direct", "shared"]
    with pytest.raises(LockError, match=r"uv\.lock: has no distribution sdx: it has "):
        planned("sdx")


@pytest.fixture
def workspace(index: LocalIndex, tmp_path: Path) -> Path:
    """uv.lock of a project with two members, one of which needs the other."""
    for name, more in (
        ("prices", 'dependencies = ["speed"]\n[project.optional-dependencies]\nfast = ["worker"]\n'),
        ("stock", 'dependencies = ["linter", "prices"]\n[tool.uv.sources]\nprices = { workspace = true }\n'),
    ):
        member = tmp_path / "project" / "libs" / name
        member.mkdir(parents=True)
        (member / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "1"\nrequires-python = ">=3.10"\n{more}'
        )
    path = lock_project(tmp_path / "project", PROJECT + '[tool.uv.workspace]\nmembers = ["libs/*"]\n')
    index.requests.clear()
    return path


def test_a_member_of_a_workspace_is_read_when_asked_for(workspace: Path) -> None:
    """One lock file for many functions: each gets a layer of what it needs itself."""
    assert names(read(workspace)) == ["orders", "shop"]
    assert names(read(workspace, package="prices")) == ["speed"]
    assert names(read(workspace, package="prices", extras=("fast",))) == ["speed", "worker"]


def test_a_member_that_another_needs_comes_along(workspace: Path) -> None:
    """It is code of one's own, which is built as a project; left out silently it would be missed in the function."""
    spec = spec_of(workspace, package="stock")

    assert [folder.name for folder in find_folders(read_lock(spec, None), spec)] == ["prices"]


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ({"package": "sales"}, "sales"),
        ({"package": "prices", "extras": ("slow",)}, "slow"),
        ({"package": "prices", "groups": ("lint",)}, "lint"),
        ({"package": "prices", "groups": ("batch",)}, "batch"),
    ],
)
def test_what_a_workspace_does_not_have_is_named(workspace: Path, wanted: dict[str, object], problem: str) -> None:
    with pytest.raises(LockError, match=f"^uv.lock: .*{problem}"):
        read(workspace, **wanted)


def test_other_lock_files_have_no_members(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("orders==1.2\n")

    with pytest.raises(LockError, match=r"^requirements.txt: has no members to choose from \(prices\)"):
        read(tmp_path / "requirements.txt", package="prices")


def test_extras_that_conflict_can_be_had_one_at_a_time(index: LocalIndex, tmp_path: Path) -> None:
    """uv locks two versions of a distribution then, and which one a layer gets is what was asked for."""
    make_wheel(index.folder, "speed", "3.0")
    project = PROJECT.replace('fast = ["speed"]', 'old = ["speed==2.0"]\nnew = ["speed==3.0"]')
    path = lock_project(
        tmp_path / "project", project + '[tool.uv]\nconflicts = [[{ extra = "old" }, { extra = "new" }]]\n'
    )

    for extra, filename in (("old", "speed-2.0-py3-none-any.whl"), ("new", "speed-3.0-py3-none-any.whl")):
        spec = spec_of(path, extras=(extra,))
        assert filename in [choice.filename for choice in resolve(read_lock(spec, None), spec)]
    with pytest.raises(LockError, match="^uv.lock: .*incompatible"):
        read(path, extras=("old", "new"))
