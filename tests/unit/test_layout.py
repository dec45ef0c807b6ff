"""Files of wheels in their places, without what no function needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from layerwright.cache import WheelCache
from layerwright.errors import SpecError
from layerwright.fetch import fetch
from layerwright.layout import lay_out
from layerwright.prune import prune
from layerwright.sources import read_sources
from layerwright.spec import LayerSpec, Prune, Source
from layerwright.tree import LayerTree, assemble
from support.project import choices_for
from support.wheels import make_wheel

SPEC = LayerSpec(runtime="python3.13")


def tree_of(cache: WheelCache, *wheels: Path, spec: LayerSpec = SPEC) -> LayerTree:
    files = prune(lay_out(fetch(choices_for(*wheels), cache), spec), spec.prune)
    return assemble(files, read_sources(spec), spec)


def paths(tree: LayerTree) -> list[str]:
    return [file.path for file in tree.files]


def test_a_wheel_is_spread_as_an_installer_would(tmp_path: Path, cache: WheelCache) -> None:
    files = {
        "example/__init__.py": "",
        "example-1.0.data/purelib/pure.py": "",
        "example-1.0.data/platlib/plat.py": "",
        "example-1.0.data/data/share/example/table.csv": "a,b",
        "example-1.0.data/headers/example.h": "",
        "example-1.0.data/scripts/tool": "#!python\nprint(1)\n",
        "example-1.0.dist-info/INSTALLER": "pip",
        "example-1.0.dist-info/licenses/LICENSE": "MIT",
    }
    wheel = make_wheel(tmp_path, files=files, entry_points="[console_scripts]\nexample = example:main\n")

    assert paths(tree_of(cache, wheel)) == [
        "python/example-1.0.dist-info/METADATA",
        "python/example-1.0.dist-info/RECORD",
        "python/example-1.0.dist-info/WHEEL",
        "python/example-1.0.dist-info/entry_points.txt",
        "python/example-1.0.dist-info/licenses/LICENSE",
        "python/example/__init__.py",
        "python/plat.py",
        "python/pure.py",
        "python/share/example/table.csv",
    ]


def test_scripts_come_along_when_asked_for_and_run_under_lambdas_python(tmp_path: Path, cache: WheelCache) -> None:
    files = {"example/__init__.py": "def main(): return 7", "example-1.0.data/scripts/tool": "#!python\nprint(1)\n"}
    wheel = make_wheel(tmp_path, files=files, entry_points="[console_scripts]\nexample = example:main [extra]\n")
    tree = tree_of(cache, wheel, spec=LayerSpec(runtime="python3.13", scripts=True))

    scripts = {f.path: f for f in tree.files if f.path.startswith("bin/")}
    assert sorted(scripts) == ["bin/example", "bin/tool"]
    assert all(file.executable for file in scripts.values())
    contents = getattr(scripts["bin/example"], "contents", b"").decode()
    assert contents.startswith("#!/var/lang/bin/python3.13\n")
    assert getattr(scripts["bin/tool"], "contents", b"").startswith(b"#!/var/lang/bin/python3.13\n")
    (tmp_path / "example.py").write_text("def main(): return 7")
    ran = subprocess.run([sys.executable, "-c", contents], cwd=tmp_path, check=False)
    assert ran.returncode == 7


def test_record_says_what_is_really_there(tmp_path: Path, cache: WheelCache) -> None:
    """importlib.metadata.files() is what inspectors and frameworks trust."""
    wheel = make_wheel(tmp_path, files={"example/__init__.py": "x", "example/tests/test_a.py": "", "a,b.txt": "c"})
    tree = tree_of(cache, wheel)
    record = next(f for f in tree.files if f.path.endswith("/RECORD"))
    rows = getattr(record, "contents", b"").decode().splitlines()

    assert [row.split(",sha256=")[0] for row in rows] == [
        '"a,b.txt"',
        "example-1.0.dist-info/METADATA",
        "example-1.0.dist-info/WHEEL",
        "example/__init__.py",
        "example-1.0.dist-info/RECORD,,",
    ]
    assert rows[3] == "example/__init__.py,sha256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE,1"  # SHA-256 of "x"


def test_tests_caches_stubs_and_headers_go_and_public_testing_stays(tmp_path: Path, cache: WheelCache) -> None:
    """numpy.testing and METADATA are used at run time; leaving them out has cost people hours."""
    kept = {
        "numpy/__init__.py",
        "numpy/testing/__init__.py",
        "numpy/latest.py",
        "numpy/test.py",
        "django/test/client.py",
    }
    gone = {
        "numpy/tests/test_a.py", "numpy/core/tests/data/x.csv", "tests/__init__.py", "numpy/test/b.py",
        "numpy/__pycache__/a.cpython-313.pyc", "numpy/old.pyc", "numpy/__init__.pyi", "numpy/a.h", "numpy/c.pxd",
    }  # fmt: skip
    wheel = make_wheel(tmp_path, "numpy", files=dict.fromkeys(kept | gone, "x"))
    spec = LayerSpec(runtime="python3.13", prune=Prune(defaults=False))

    pruned = {p.removeprefix("python/") for p in paths(tree_of(cache, wheel)) if "dist-info" not in p}
    assert pruned == kept
    assert {p.removeprefix("python/") for p in paths(tree_of(cache, wheel, spec=spec)) if "dist-info" not in p} == (
        kept | gone
    )


def test_patterns_of_ones_own_keep_and_drop(tmp_path: Path, cache: WheelCache) -> None:
    wheel = make_wheel(
        tmp_path, files=dict.fromkeys(["a/tests/x.py", "a/__init__.py", "a/docs/y.md", "b/docs/z.md"], "x")
    )
    spec = LayerSpec(runtime="python3.13", prune=Prune(keep=("a/tests/",), drop=("docs/", "*.dist-info", "METADATA")))

    tree = paths(tree_of(cache, wheel, spec=spec))
    assert [p for p in tree if "dist-info" not in p] == ["python/a/__init__.py", "python/a/tests/x.py"]
    assert "python/example-1.0.dist-info/METADATA" in tree


def test_what_two_wheels_bring_with_the_same_contents_is_there_once(tmp_path: Path, cache: WheelCache) -> None:
    one = make_wheel(tmp_path, "one", files={"shared/__init__.py": "", "shared/one.py": "1"})
    two = make_wheel(tmp_path, "two", files={"shared/__init__.py": "", "shared/two.py": "2"})

    assert [p for p in paths(tree_of(cache, one, two)) if "dist-info" not in p] == [
        "python/shared/__init__.py",
        "python/shared/one.py",
        "python/shared/two.py",
    ]


def test_what_two_wheels_bring_with_other_contents_is_refused_naming_both(tmp_path: Path, cache: WheelCache) -> None:
    """pip and uv let the last one win, silently; which one that is depends on their order."""
    one = make_wheel(tmp_path, "one", files={"shared.py": "1", "x": ""})
    two = make_wheel(tmp_path, "two", files={"shared.py": "2", "x/y.py": ""})

    with pytest.raises(SpecError) as e:
        tree_of(cache, one, two)
    assert "python/shared.py is in one 1.0 and, with other contents, in two 1.0" in str(e.value)
    assert "python/x is a file in one 1.0 and a folder in another" in str(e.value)
    spec = LayerSpec(runtime="python3.13", prune=Prune(drop=("shared.py", "x")))
    assert "python/shared.py" not in paths(tree_of(cache, one, two, spec=spec))


def test_own_sources_and_wheels_share_the_tree(tmp_path: Path, cache: WheelCache) -> None:
    wheel = make_wheel(tmp_path, "one", files={"one.py": "1"})
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.py").write_text("2")
    spec = LayerSpec(runtime="python3.13", kind="function", sources=(Source(path=str(tmp_path / "own")),))

    assert [p for p in paths(tree_of(cache, wheel, spec=spec)) if "dist-info" not in p] == ["mine.py", "one.py"]
    (tmp_path / "own" / "one.py").write_text("other")
    with pytest.raises(SpecError, match=r"one\.py is in one 1\.0 and, with other contents, in .*own"):
        tree_of(cache, wheel, spec=spec)
