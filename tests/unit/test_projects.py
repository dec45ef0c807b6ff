"""One's own projects: which files are theirs, and what they are known by."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from layerwright.digest import input_digest
from layerwright.errors import SpecError
from layerwright.projects import Project, read_projects
from layerwright.sources import read_sources
from layerwright.spec import LayerSpec, Source
from support.projects import write_files, write_project

PYPROJECT = '[project]\nname = "My_Orders"\nversion = "1.2"\n'


def read(*sources: Source, folders: tuple[Path, ...] = ()) -> tuple[Project, ...]:
    return read_projects(LayerSpec(runtime="python3.13", sources=sources), folders)


def files(folder: Path, **source: tuple[str, ...]) -> list[str]:
    return [file.path for file in read(Source(path=str(folder), **source))[0].files]  # type: ignore[arg-type]


def test_a_project_is_read_with_its_name_and_version(tmp_path: Path) -> None:
    """The plan names what is in a layer before anything is built."""
    folder = write_files(tmp_path / "x", {"pyproject.toml": PYPROJECT, "src/my_orders/__init__.py": ""})

    project = read(Source(path=str(folder)))[0]

    assert (project.name, project.version) == ("my-orders", "1.2")
    assert [file.path for file in project.files] == ["pyproject.toml", "src/my_orders/__init__.py"]
    assert read_sources(LayerSpec(runtime="python3.13", sources=(Source(path=str(folder)),))) == ()


def test_a_name_and_version_that_only_the_build_knows_are_left_open(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "Some.Folder", {"pyproject.toml": "[build-system]\nrequires = []", "setup.py": ""})

    assert [(p.name, p.version) for p in read(Source(path=str(folder)))] == [("some-folder", "")]


@pytest.mark.parametrize(
    ("requires", "is_pinned"),
    [('["hatchling==1.27.0"]', True), ('["hatchling"]', False), ('["a==1", "b>=2"]', False), ('["a==1.*"]', False)],
)
def test_a_pinned_backend_is_known(tmp_path: Path, requires: str, is_pinned: bool) -> None:
    """The manifest says of a layer whether building it again gives the same bytes."""
    folder = write_files(tmp_path, {"pyproject.toml": f"[build-system]\nrequires = {requires}\n{PYPROJECT}"})

    assert read(Source(path=str(folder)))[0].is_pinned is is_pinned


def test_a_folder_whose_pyproject_only_has_settings_of_tools_is_no_project(tmp_path: Path) -> None:
    folder = write_files(tmp_path, {"pyproject.toml": "[tool.ruff]\nline-length = 9", "app.py": ""})
    spec = LayerSpec(runtime="python3.13", sources=(Source(path=str(folder)),))

    assert read_projects(spec, ()) == ()
    assert "python/app.py" in [file.path for file in read_sources(spec)]


def test_a_function_has_a_project_as_it_lies_there(tmp_path: Path) -> None:
    """Its handler is looked for at the root, where its folder's files are."""
    folder = write_files(tmp_path, {"pyproject.toml": PYPROJECT, "app.py": ""})
    spec = LayerSpec(runtime="python3.13", kind="function", sources=(Source(path=str(folder)),))

    assert read_projects(spec, ()) == ()
    assert [file.path for file in read_sources(spec)] == ["app.py", "pyproject.toml"]


def test_what_git_ignores_is_no_part_of_it(tmp_path: Path) -> None:
    """A file that only one developer has would give each developer a layer of their own."""
    write_files(tmp_path, {".git/HEAD": "", ".gitignore": "# all\n*.log\n/libs/*/generated/\n!/libs/orders/keep.log\n"})
    folder = write_files(
        tmp_path / "libs" / "orders",
        {
            "pyproject.toml": PYPROJECT, "a.log": "", "keep.log": "", "generated/x.py": "", "deep/generated/x.py": "",
            ".gitignore": "/data/*\n!/data/rates.json\nlocal.py\n", "data/rates.json": "", "data/big.bin": "",
            "src/a/local.py": "", "src/a/b.py": "", "src/a/.gitignore": "/b.py\nc/\n", "src/x/b.py": "",
            "src/a/c/d.py": "", "src/a/e/c/f.py": "",
        },
    )  # fmt: skip

    assert files(folder) == [*("data/rates.json", "deep/generated/x.py", "keep.log", "pyproject.toml", "src/x/b.py")]


def test_what_builds_and_tools_leave_behind_is_no_part_of_it(tmp_path: Path) -> None:
    junk = (
        "build/lib/a.py",
        "dist/a.whl",
        "a.egg-info/PKG-INFO",
        ".venv/x",
        "uv.lock",
        "a.tfstate",
        "__pycache__/a.pyc",
    )
    folder = write_files(tmp_path, dict.fromkeys(junk, "") | {"pyproject.toml": PYPROJECT, "src/build/a.py": ""})

    assert files(folder) == ["pyproject.toml", "src/build/a.py"]


def test_patterns_of_the_source_have_the_last_word(tmp_path: Path) -> None:
    """Generated code is often ignored by git and needed all the same."""
    folder = write_files(
        tmp_path,
        {
            "pyproject.toml": PYPROJECT,
            ".gitignore": "*_pb2.py\n",
            "src/a_pb2.py": "",
            "tests/test_a.py": "",
            "b.py": "",
        },
    )

    assert files(folder, include=("*_pb2.py",), exclude=("/tests/",)) == ["b.py", "pyproject.toml", "src/a_pb2.py"]


def test_special_characters_in_folders_are_no_patterns(tmp_path: Path) -> None:
    write_files(tmp_path, {".git/HEAD": ""})
    folder = write_files(
        tmp_path / "a[b] !c", {"pyproject.toml": PYPROJECT, ".gitignore": "x.py", "x.py": "", "y.py": ""}
    )

    assert files(folder) == ["pyproject.toml", "y.py"]


def test_it_is_known_by_its_files_and_not_by_where_or_when(tmp_path: Path) -> None:
    """Plans of a developer and of CI must agree, or each rebuilds what the other built."""
    first = write_project(tmp_path / "first")
    second = tmp_path / "elsewhere" / "second"
    shutil.copytree(first, second)
    (second / "backend.py").chmod(0o755)
    digests = [read(Source(path=str(folder)))[0].sha256 for folder in (first, second)]
    (second / "src" / "orders" / "__init__.py").write_text("x = 2")

    assert digests[0] == digests[1] != read(Source(path=str(second)))[0].sha256


def test_the_digest_of_a_known_project_never_changes(tmp_path: Path) -> None:
    """Every user's layers are named by it: raise DIGEST_CONTRACT when this has to change, and only then."""
    folder = write_files(tmp_path, {"pyproject.toml": PYPROJECT, "run.sh": "#!/bin/sh\n"})
    spec = LayerSpec(runtime="python3.13", sources=(Source(path=str(folder)),))
    projects = read_projects(spec, ())

    assert projects[0].sha256 == "a947f2e74d5c131feabdebf00da6798b5fea347243a560da4d87fd29f9bd448b"
    assert (
        input_digest(spec, [], [], projects).hex == "98c90a4411e843b357aa862dda306070f3959d3180a4208621030440dff2f267"
    )
    assert input_digest(spec, [], [], ()).hex != "98c90a4411e843b357aa862dda306070f3959d3180a4208621030440dff2f267"


def test_a_project_that_source_and_lock_file_name_is_read_once(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "a")
    other = write_project(tmp_path / "b", "prices")

    assert [p.name for p in read(Source(path=str(folder)), folders=(folder, other))] == ["orders", "prices"]


def test_projects_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "a")
    write_files(tmp_path / "b", {"README.md": ""})

    with pytest.raises(SpecError) as e:
        read(Source(path=str(folder), prefix="x"), folders=(tmp_path / "b",))

    assert f"source {folder}: is a project, which goes where its build says: take its prefix out" in str(e.value)
    assert f"source {tmp_path / 'b'}: the lock file has it as a project, and it has no pyproject.toml" in str(e.value)


def test_two_projects_of_one_name_are_refused(tmp_path: Path) -> None:
    one, two = write_project(tmp_path / "a", "or-ders"), write_project(tmp_path / "b", "or_ders")

    with pytest.raises(SpecError, match="or-ders is the project in .*a and in .*b: give one of them"):
        read(Source(path=str(one)), Source(path=str(two)))


def test_a_project_whose_files_are_all_ignored_is_refused(tmp_path: Path) -> None:
    write_files(tmp_path, {".git/HEAD": "", ".gitignore": "vendor/\n"})
    folder = write_project(tmp_path / "vendor" / "orders")

    with pytest.raises(SpecError, match="its pyproject.toml is ignored: see .gitignore, include and exclude"):
        read(Source(path=str(folder)))
