"""Small projects that build without any index: their build backend lies in them.

folder = write_project(tmp_path / "orders", files={"orders/__init__.py": "x = 1"})
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path

BUILD_LOG = "LAYERWRIGHT_TEST_BUILDS"
"""Environment variable with the path of a file to which each build appends a line of what it sees."""

BACKEND = """
import json, os, pathlib, sys, zipfile, hashlib, base64

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name, version, tag, generator = pathlib.Path("wheel.txt").read_text().split()
    seen = {key: os.environ.get(key) for key in ("SOURCE_DATE_EPOCH", "PYTHONHASHSEED", "PYTHONPATH", "HATCH_X")}
    seen |= {"folder": os.getcwd(), "python": sys.version_info[:2], "files": sorted(os.listdir("."))}
    if log := os.environ.get("LAYERWRIGHT_TEST_BUILDS"):
        with open(log, "a") as file:
            file.write(json.dumps(seen) + "\\\\n")
    pathlib.Path("build").mkdir()
    pathlib.Path("build/litter").touch()
    print("looking around")
    if pathlib.Path("fail.txt").exists():
        raise RuntimeError(pathlib.Path("fail.txt").read_text())
    info = f"{name}-{version}.dist-info"
    contents = {p.relative_to("src").as_posix(): p for p in sorted(pathlib.Path("src").rglob("*")) if p.is_file()}
    contents = {path: (p.read_bytes(), p.stat().st_mode) for path, p in contents.items()}
    texts = {
        "METADATA": f"Metadata-Version: 2.1\\\\nName: {name}\\\\nVersion: {version}\\\\n",
        "WHEEL": f"Wheel-Version: 1.0\\\\nGenerator: {generator}\\\\nRoot-Is-Purelib: true\\\\nTag: {tag}\\\\n",
        "direct_url.json": "{}",
        "entry_points.txt": f"[console_scripts]\\\\n{name} = {name}:main\\\\n",
    }
    contents |= {f"{info}/{path}": (text.encode(), 0o100644) for path, text in texts.items()}
    rows = []
    made = f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, made), "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, (data, mode) in contents.items():
            entry = zipfile.ZipInfo(path, (2026, 1, 2, 3, 4, 6))
            entry.external_attr, entry.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            wheel.writestr(entry, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append(f"{path},sha256={digest},{len(data)}\\\\n")
        wheel.writestr(f"{info}/RECORD", "".join(rows) + f"{info}/RECORD,,\\\\n")
    return made
""".replace("\\\\n", "\\n")


def write_project(
    folder: Path,
    name: str = "orders",
    version: str = "1.2",
    *,
    files: Mapping[str, str] | None = None,
    tag: str = "py3-none-any",
    generator: str = "tests-1",
    more: str = "",
) -> Path:
    """Write a project into *folder* and return it; *files* are those of its `src`, *more* goes into its pyproject.toml.

    Its backend makes a wheel of the given *tag* from what lies in `src`, whatever that is.
    """
    texts = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "{version}"\nrequires-python = ">=3.9"\n{more}',
        "backend.py": BACKEND,
        "wheel.txt": f"{name.replace('-', '_')} {version} {tag} {generator}",
        **{f"src/{path}": text for path, text in (files or {f"{name}/__init__.py": "def main(): pass\n"}).items()},
    }
    write_files(folder, texts)
    return folder


def pack_sdist(folder: Path, project: Path, name: str, version: str) -> Path:
    """Write the sdist of the project into *folder* and return its path."""
    path = folder / f"{name}-{version}.tar.gz"
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.add(project, arcname=f"{name}-{version}")
        metadata = folder / "PKG-INFO"
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.add(metadata, arcname=f"{name}-{version}/PKG-INFO")
        metadata.unlink()
    return path


def write_files(folder: Path, texts: Mapping[str, str]) -> Path:
    """Write each of *texts* under its path below *folder*, which is returned."""
    for path, text in texts.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder
