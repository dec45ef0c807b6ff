"""Copy what versions.tf asks of callers into each module, so that it is said once.

    python tools/versions.py            write modules/*/versions.tf
    python tools/versions.py --check    change nothing; exit status 1 names the files that differ

A module gets the providers it uses and no others: whoever makes a bucket needs no provider that runs programs.
Standard library only.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

HEADER = "# Copied from versions.tf at the root by tools/versions.py: change it there.\n"

_PROVIDER = re.compile(r"^    (?P<name>[a-z]+) = \{\n(?:      .*\n)+    \}\n", re.MULTILINE)
_USE = re.compile(r'^(?:data|resource) "(?P<provider>[a-z]+)_?[a-z0-9_]*" ', re.MULTILINE)


def main() -> int:
    """Write or check the copies; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="change nothing, and fail if something would change")
    check = parser.parse_args().check
    stale = list_stale(ROOT)
    for path, text in stale.items():
        print(path.relative_to(ROOT).as_posix())
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
    if check and stale:
        print("tools/versions.py: these differ from versions.tf at the root: run make versions", file=sys.stderr)
        return 1
    return 0


def list_stale(root: Path) -> dict[Path, str]:
    """Each module's versions.tf that is missing or differs, with what it should hold."""
    constraints = (root / "versions.tf").read_text(encoding="utf-8")
    wanted = {
        module / "versions.tf": render_versions(constraints, read_providers(module))
        for module in sorted((root / "modules").iterdir())
        if module.is_dir()
    }
    return {
        path: text
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }  # fmt: skip


def read_providers(module: Path) -> set[str]:
    """Names of the providers that *module* has resources or data sources of."""
    return {
        use["provider"]
        for path in module.glob("*.tf")
        for use in _USE.finditer(path.read_text(encoding="utf-8"))
    }  # fmt: skip


def render_versions(constraints: str, providers: Collection[str]) -> str:
    """Return *constraints*, the text of the root's versions.tf, with those of *providers* alone."""
    body = constraints[constraints.index("terraform {") :]
    return HEADER + _PROVIDER.sub(lambda entry: entry[0] if entry["name"] in providers else "", body)


if __name__ == "__main__":
    sys.exit(main())
