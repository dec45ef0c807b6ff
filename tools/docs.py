"""Write the parts of the documentation that the code knows: `make docs`, or `--check` that they are as it says."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

from layerwright import errors, options, spec  # noqa: E402 — found through the line above

REFERENCE = ROOT / "docs" / "reference"


def main() -> int:
    """Write the pages, or with `--check` name those that are stale; returns the exit status."""
    check = sys.argv[1:] == ["--check"]
    stale = [path for path, text in render_pages() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if check:
            print(f"{path.relative_to(ROOT)} is stale: run make docs", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dict(render_pages())[path], encoding="utf-8")
    return 1 if check and stale else 0


def render_pages() -> Iterator[tuple[Path, str]]:
    """Each generated page with its text."""
    yield REFERENCE / "spec.schema.json", json.dumps(spec.render_schema(), indent=2) + "\n"
    yield REFERENCE / "command-line.md", "\n".join(render_command_line()) + "\n"


def render_command_line() -> Iterator[str]:
    """The options that say what to build, by group, and the exit codes."""
    yield "# Command line"
    yield ""
    yield "`layerwright build` and `layerwright key` take these options; `--format json` prints what scripts need."
    group = ""
    for parameter in inspect.signature(options.make_spec, eval_str=True).parameters.values():
        option = parameter.annotation.__metadata__[0]
        if option.rich_help_panel != group:
            group = option.rich_help_panel
            yield from ("", f"## {group}", "", "| option | meaning | default |", "| --- | --- | --- |")
        default = f"`{parameter.default}`" if parameter.default not in ("", [], False) else ""
        yield f"| `--{parameter.name.replace('_', '-')}` | {option.help} | {default} |"
    yield from ("", "## Exit codes", "", "| code | meaning |", "| --- | --- |", "| 0 | Done. |")
    kinds = [
        kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, errors.LayerwrightError)
    ]
    for kind in sorted(kinds, key=lambda kind: kind.exit_code):
        if kind is not errors.WheelError and kind is not errors.LayerwrightError:
            yield f"| {kind.exit_code} | {(kind.__doc__ or '').splitlines()[0]} |"
    yield "| 69 | The environment that the program runs in cannot be made. |"
    yield f"| {errors.LayerwrightError.exit_code} | A bug of ours. |"


if __name__ == "__main__":
    sys.exit(main())
