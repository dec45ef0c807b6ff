"""The modules' README files beside the modules: what they list is there, and their examples are valid."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from support.terraform import ROOT, Terraform

MODULES = sorted(path.parent.name for path in ROOT.glob("modules/*/README.md"))

_EXAMPLE = re.compile(r"^```hcl\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<description>.*?) \|(?: (?P<default>.*?) \|)?$", re.MULTILINE)


def read_blocks(module: str, kind: str) -> list[tuple[str, str, str]]:
    """Name, description and default of each variable or output of *module*, as its README should list them."""
    text = (ROOT / "modules" / module / f"{kind}s.tf").read_text(encoding="utf-8")
    found = []
    for block in re.finditer(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', text, re.MULTILINE | re.DOTALL):
        description = re.search(r'^  description = "(.*)"$', block[2], re.MULTILINE)
        default = re.search(r"^  default +=(.*)$", block[2], re.MULTILINE)
        assert description, f"{module}: {kind} {block[1]} has no description"
        listed = f"`{default[1].strip()}`" if default else "required"
        found.append((block[1], description[1].replace('\\"', '"'), listed if kind == "variable" else ""))
    return found


def read_table(module: str, heading: str) -> list[tuple[str, str, str]]:
    """The rows of the table under *heading* in the README of *module*."""
    text = (ROOT / "modules" / module / "README.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [(row["name"], row["description"], row["default"] or "") for row in _ROW.finditer(section)]


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(("kind", "heading"), [("variable", "Inputs"), ("output", "Outputs")])
def test_readme_lists_what_the_module_has(module: str, kind: str, heading: str) -> None:
    """People choose and use a module by its README alone; what that leaves out does not exist for them."""
    blocks = read_blocks(module, kind)
    assert blocks
    assert read_table(module, heading) == blocks


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("kind", ["variable", "output"])
def test_variables_and_outputs_are_sorted(module: str, kind: str) -> None:
    """In a file of 250 lines a name is found by the alphabet or not at all."""
    names = [name for name, _, _ in read_blocks(module, kind)]
    assert names == sorted(names)


@pytest.mark.parametrize("module", MODULES)
def test_readme_says_first_what_the_module_does_and_shows_it(module: str) -> None:
    """Whoever comes from a search reads one line and the first example."""
    heading, purpose, start = (ROOT / "modules" / module / "README.md").read_text(encoding="utf-8").split("\n\n")[:3]
    assert heading == f"# {module}"
    assert re.fullmatch(r"[A-Z][^\n]*\.", purpose)
    assert f'source = "…//modules/{module}"' in start


@pytest.mark.terraform
@pytest.mark.skipif(not shutil.which("terraform"), reason="Terraform is not installed")
def test_examples_of_the_readmes_are_valid(tmp_path: Path) -> None:
    """Examples are copied before anything is read; one with a wrong argument costs its reader an hour."""
    (tmp_path / "modules").symlink_to(ROOT / "modules", target_is_directory=True)
    (tmp_path / "layer.json").write_text('{"s3_bucket": "acme-artifacts", "s3_key": "layer.zip"}', encoding="utf-8")
    calls = []
    for module in MODULES:
        text = (ROOT / "modules" / module / "README.md").read_text(encoding="utf-8")
        for number, example in enumerate(_EXAMPLE.findall(text)):
            folder = tmp_path / f"{module}-{number}"
            folder.mkdir()
            (folder / "main.tf").write_text(example.replace('"…//', '"../'), encoding="utf-8")
            calls.append(f'module "{folder.name}" {{\n  source = "./{folder.name}"\n}}\n')
    (tmp_path / "main.tf").write_text("".join(calls), encoding="utf-8")

    terraform = Terraform(tmp_path)
    terraform.init()
    validated = terraform.run("validate", "-no-color")

    assert len(calls) > len(MODULES)
    assert validated.returncode == 0, validated.stdout + validated.stderr
