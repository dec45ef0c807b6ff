"""One's own folders and files: what of them goes where."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from layerwright.errors import SpecError
from layerwright.sources import read_sources
from layerwright.spec import LayerSpec, Source


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def paths(*sources: Source, kind: str = "layer") -> list[str]:
    return [file.path for file in read_sources(LayerSpec(runtime="python3.13", kind=kind, sources=sources))]  # type: ignore[arg-type]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write(tmp_path / "orders", {"__init__.py": "", "model.py": "x = 1", "data/rates.json": "{}"})


def test_an_import_package_keeps_its_name_in_a_layer(package: Path) -> None:
    """`import orders` must work, so its files cannot lie at the root of the search path."""
    assert paths(Source(path=str(package))) == [
        "python/orders/__init__.py",
        "python/orders/data/rates.json",
        "python/orders/model.py",
    ]


def test_a_function_has_the_contents_of_its_folder_at_the_root(package: Path) -> None:
    """A handler `app.lambda_handler` is looked for at the root, also if a test runner made the folder a package."""
    assert paths(Source(path=str(package)), kind="function") == ["__init__.py", "data/rates.json", "model.py"]


def test_a_folder_of_modules_goes_to_the_root_of_a_layer(tmp_path: Path) -> None:
    folder = write(tmp_path / "src", {"one.py": "", "pkg/__init__.py": ""})

    assert paths(Source(path=str(folder))) == ["python/one.py", "python/pkg/__init__.py"]


def test_a_single_file_and_a_prefix_place_it(tmp_path: Path, package: Path) -> None:
    folder = write(tmp_path, {"settings.json": "{}"})

    assert paths(Source(path=str(folder / "settings.json"), prefix="config")) == ["python/config/settings.json"]
    assert paths(Source(path=str(package), prefix="acme/orders"))[0] == "python/acme/orders/__init__.py"
    assert paths(Source(path=str(package), prefix=""))[0] == "python/__init__.py"


def test_what_tools_and_editors_leave_behind_stays_out(tmp_path: Path) -> None:
    """A cache file in the digest would publish a new layer each time the tests ran."""
    junk = (
        ".git/HEAD", "__pycache__/app.cpython-313.pyc", "old.pyc", ".venv/lib/x.py", "env/pyvenv.cfg", "env/lib/y.py",
        ".mypy_cache/a.json", ".pytest_cache/b", ".ruff_cache/c", ".idea/d.xml", ".vscode/e.json", ".DS_Store", "a.py~",
        ".app.py.swp", ".terraform/modules/m.json", ".terragrunt-source-manifest", ".env", "x.egg-info/PKG-INFO",
    )  # fmt: skip
    folder = write(tmp_path, dict.fromkeys(junk, "") | {"app.py": "", "env.py": "", "deep/__pycache__/x.pyc": ""})

    assert paths(Source(path=str(folder)), kind="function") == ["app.py", "env.py"]


def test_patterns_leave_out_and_take_back(tmp_path: Path) -> None:
    folder = write(tmp_path, {"app.py": "", "notes.md": "", "docs/a.md": "", ".env": "A=1", "keep/.cache/x": ""})

    assert paths(Source(path=str(folder), exclude=("*.md",)), kind="function") == ["app.py"]
    taken = paths(Source(path=str(folder), include=(".env", "keep/.cache/"), exclude=("docs/",)), kind="function")
    assert taken == [".env", "app.py", "keep/.cache/x", "notes.md"]


def test_executables_are_known_by_what_they_are(tmp_path: Path) -> None:
    """Mode bits differ between checkouts and do not exist on Windows; the digest may depend on neither."""
    folder = write(tmp_path, {"run": "#!/bin/sh\n", "plain.py": "x"})
    (folder / "tool").write_bytes(b"\x7fELF\x02")
    (folder / "plain.py").chmod(0o777)
    (folder / "run").chmod(0o600)
    spec = LayerSpec(runtime="python3.13", kind="function", sources=(Source(path=str(folder)),))

    assert {f.path: f.executable for f in read_sources(spec)} == {"plain.py": False, "run": True, "tool": True}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_that_lead_outside_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "code", {"app.py": "", "lib/x.py": ""})
    (folder / "inside.py").symlink_to("app.py")
    assert "inside.py" in paths(Source(path=str(folder)), kind="function")

    (tmp_path / "secret").write_text("s")
    (folder / "outside").symlink_to("../secret")
    with pytest.raises(SpecError, match="outside is a link that leads outside of it"):
        paths(Source(path=str(folder)), kind="function")

    (folder / "outside").unlink()
    (folder / "folder").symlink_to("lib")
    with pytest.raises(SpecError, match="folder is a link to a folder: give it as a source"):
        paths(Source(path=str(folder)), kind="function")


def test_sources_that_cannot_be_used_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    project = write(tmp_path / "project", {"pyproject.toml": "project", "src/p/__init__.py": ""})
    with pytest.raises(SpecError) as e:
        paths(*(Source(path=str(p)) for p in (tmp_path / "missing", tmp_path / "empty", project)))

    assert f"source {tmp_path / 'missing'}: there is no such file or folder" in str(e.value)
    assert f"source {tmp_path / 'empty'}: holds no file that is not ignored" in str(e.value)
    assert f"source {project}: its pyproject.toml is not TOML" in str(e.value)


def test_two_sources_may_not_claim_one_path(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one", {"a.py": "1"}), write(tmp_path / "two", {"a.py": "2"})
    with pytest.raises(SpecError, match=r"a\.py comes from .*one.* and from .*two"):
        paths(Source(path=str(one)), Source(path=str(two)), kind="function")

    write(two, {"a.py": "1"})
    assert paths(Source(path=str(one)), Source(path=str(two)), kind="function") == ["a.py"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root and Windows read every file")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "code", {"app.py": ""})
    (folder / "app.py").chmod(0)
    with pytest.raises(SpecError, match="cannot be read"):
        paths(Source(path=str(folder)), kind="function")
