"""Write the Terraform CLI configuration that tests, checks and the demo run with, and print its path.

    export TF_CLI_CONFIG_FILE=$(.venv/bin/python tools/providers.py)

Where Terraform's registry answers, providers come from there. Where it does not, they come from the mirrors found on
this machine: the folders in LAYERWRIGHT_PROVIDER_MIRRORS (separated as PATH is), Terraform's implied local mirrors, and
any folder one level below the usual roots of add-on and shared files that itself holds `registry.terraform.io`. Only if
no genuine hashicorp/external is to be had either, the stand-in beside this file takes its place, and stderr says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import shutil
import sys
import threading
import urllib.request
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REGISTRY = "registry.terraform.io"
OPENTOFU_REGISTRY = "registry.opentofu.org"
EXTERNAL = f"{REGISTRY}/hashicorp/external"
AWS = f"{REGISTRY}/hashicorp/aws"

STAND_IN = Path(__file__).with_name("external_provider.py")
STAND_IN_VERSION = "2.3.5"
"""The release of hashicorp/external whose behaviour the stand-in was compared with."""

PROBE_SECONDS = 3.0
MIRRORS_VARIABLE = "LAYERWRIGHT_PROVIDER_MIRRORS"

SYSTEM_ROOTS = ("/opt", "/srv", "/usr/share", "/usr/lib", "/usr/local/share", "/usr/local/lib", "/var/lib", "/Library")
"""Where add-on and shared files live: Filesystem Hierarchy Standard 3.0, and macOS's own."""

_ARCHITECTURES = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "i386": "386",
    "i686": "386",
}


class ProvidersError(Exception):
    """Nothing useful can be written; the text is one line that says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One version of a provider, for this machine, in a mirror."""

    mirror: Path
    provider: str
    """With its host: `registry.terraform.io/hashicorp/aws`."""
    version: str
    folder: Path | None
    """Where it lies unpacked; `None` for a zip, which Terraform unpacks wherever it uses it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Providers:
    """What a CLI configuration is made from."""

    from_registry: bool
    packages: tuple[Package, ...] = ()
    has_stand_in: bool = False


def main() -> int:
    """Write the configuration, print its path on stdout and what was found on stderr."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "terraform.tfrc", help="default: %(default)s")
    output = parser.parse_args().output.absolute()
    try:
        if registry_answers(f"https://{REGISTRY}/.well-known/terraform.json"):
            providers = Providers(from_registry=True)
        else:
            providers = find_in_mirrors(find_mirrors(os.environ, SYSTEM_ROOTS), ROOT / "build" / "provider-mirror")
    except ProvidersError as e:
        print(f"tools/providers.py: {e}", file=sys.stderr)
        return 1

    cache = ROOT / "build" / "plugin-cache" / ("stand-in" if providers.has_stand_in else "genuine")
    cache.mkdir(parents=True, exist_ok=True)
    write_if_changed(output, render_configuration(providers, cache))

    for line in describe(providers):
        print(f"tools/providers.py: {line}", file=sys.stderr)
    print(output)
    return 0


def registry_answers(url: str, seconds: float = PROBE_SECONDS) -> bool:
    """Whether the registry's discovery document is at *url*, asked with this machine's proxy settings.

    Terraform's remote service discovery: developer.hashicorp.com/terraform/internals/remote-service-discovery.
    """
    answers: list[bool] = []

    def probe() -> None:
        try:
            with urllib.request.urlopen(url, timeout=seconds) as response:  # noqa: S310 - an address of ours
                answers.append("providers.v1" in json.load(response))
        except (OSError, ValueError, TypeError):
            answers.append(False)

    # A name server that keeps silent is not bound by urlopen's timeout: wait no longer than we said.
    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(seconds)
    return bool(answers) and answers[0]


def find_mirrors(environment: Mapping[str, str], system_roots: Iterable[str]) -> list[Path]:
    """Folders laid out as a provider mirror, each once: those named, Terraform's own, those of the system."""
    named = [Path(name).expanduser() for name in environment.get(MIRRORS_VARIABLE, "").split(os.pathsep) if name]
    if missing := [str(mirror) for mirror in named if not mirror.is_dir()]:
        raise ProvidersError(f"{MIRRORS_VARIABLE} names {', '.join(missing)}, which is no folder: correct or unset it")
    candidates = [*named, *implied_mirrors(environment)]
    for root in system_roots:
        candidates += sorted(holder.parent for holder in Path(root).glob(f"*/{REGISTRY}"))
    return list(dict.fromkeys(mirror.absolute() for mirror in candidates if mirror.is_dir()))


def implied_mirrors(environment: Mapping[str, str]) -> list[Path]:
    """Folders that Terraform looks in without being told.

    developer.hashicorp.com/terraform/cli/config/config-file, "Implied Local Mirror Directories".
    """
    if sys.platform == "win32":
        roaming = Path(environment.get("APPDATA", ""))
        return [roaming / "terraform.d" / "plugins", roaming / "HashiCorp" / "Terraform" / "plugins"]
    home = Path(environment.get("HOME") or Path("~").expanduser())
    if sys.platform == "darwin":
        libraries = [home / "Library", Path("/Library")]
        shared = [library / "Application Support" / "io.terraform" for library in libraries]
    else:
        data = environment.get("XDG_DATA_HOME") or home / ".local" / "share"
        system_data = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        shared = [Path(folder) / "terraform" for folder in (data, *system_data.split(":"))]
    return [home / ".terraform.d" / "plugins", *(folder / "plugins" for folder in shared)]


def find_in_mirrors(mirrors: Iterable[Path], own_mirror: Path) -> Providers:
    """Say what *mirrors* have for this machine, and keep in *own_mirror* just what they lack.

    Raises `ProvidersError` where a stand-in is needed but cannot run.
    """
    machine = platform_name()
    packages = [package for mirror in mirrors for package in find_packages(mirror, machine)]
    needs_stand_in = EXTERNAL not in {package.provider for package in packages}
    if needs_stand_in:
        packages.append(put_stand_in(own_mirror, machine))
    packages += link_for_opentofu(packages, own_mirror, machine)
    sweep(own_mirror, keep={package.folder for package in packages})
    return Providers(from_registry=False, packages=tuple(packages), has_stand_in=needs_stand_in)


def find_packages(mirror: Path, machine: str) -> Iterator[Package]:
    """Every provider version that *mirror* has for *machine*, in either of the layouts that Terraform knows."""
    for folder in sorted(mirror.glob(f"*/*/*/*/{machine}")):
        provider = folder.parent.parent.relative_to(mirror).as_posix()
        yield Package(mirror=mirror, provider=provider, version=folder.parent.name, folder=folder)
    for archive in sorted(mirror.glob(f"*/*/*/terraform-provider-*_{machine}.zip")):
        provider = archive.parent.relative_to(mirror).as_posix()
        version = archive.name.removesuffix(f"_{machine}.zip").rpartition("_")[2]
        yield Package(mirror=mirror, provider=provider, version=version, folder=None)


def put_stand_in(mirror: Path, machine: str) -> Package:
    """Put the stand-in for hashicorp/external into *mirror*; it runs in the interpreter that runs this."""
    if sys.platform == "win32":
        raise ProvidersError(
            f"no hashicorp/external found, and its stand-in needs POSIX: name one in {MIRRORS_VARIABLE}"
        )
    if not find_spec("tf"):
        raise ProvidersError("the stand-in for hashicorp/external needs the development environment: run make .venv")
    folder = mirror / EXTERNAL / STAND_IN_VERSION / machine
    executable = folder / f"terraform-provider-external_v{STAND_IN_VERSION}"
    command = shlex.join([sys.executable, "-I", str(STAND_IN)])
    write_if_changed(executable, f'#!/bin/sh\nexec {command} "$@"\n', mode=0o755)
    return Package(mirror=mirror, provider=EXTERNAL, version=STAND_IN_VERSION, folder=folder)


def link_for_opentofu(packages: Iterable[Package], mirror: Path, machine: str) -> list[Package]:
    """Offer the unpacked *packages* of Terraform's registry under OpenTofu's, whose providers speak the same protocol.

    Terraform and OpenTofu read a mirror of which only the last folder is a symbolic link.
    """
    linked = []
    for package in packages:
        host, _, name = package.provider.partition("/")
        if host != REGISTRY or not package.folder:
            continue
        link = mirror / OPENTOFU_REGISTRY / name / package.version / machine
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink() or link.readlink() != package.folder:
            temporary = link.with_name(f".{link.name}.{os.getpid()}")
            temporary.symlink_to(package.folder, target_is_directory=True)
            temporary.replace(link)
        provider = f"{OPENTOFU_REGISTRY}/{name}"
        linked.append(Package(mirror=mirror, provider=provider, version=package.version, folder=link))
    return linked


def sweep(mirror: Path, keep: Collection[Path | None]) -> None:
    """Remove what an earlier run put into *mirror*: a stand-in must not win over a genuine provider found since."""
    for folder in mirror.glob("*/*/*/*/[!.]*"):
        if folder.is_symlink() and folder not in keep:
            folder.unlink()
        elif folder not in keep:
            shutil.rmtree(folder)


def render_configuration(providers: Providers, cache: Path) -> str:
    """Return the text of a Terraform CLI configuration.

    Unpacked packages of a mirror are linked into a working directory; what comes packed would be unpacked into each
    (hashicorp/aws: 700 MB), so that *cache* is used just then.
    """
    lines = []
    if providers.from_registry or not all(package.folder for package in providers.packages):
        lines += [f"plugin_cache_dir = {_quote(cache)}", "plugin_cache_may_break_dependency_lock_file = true", ""]
    lines.append("provider_installation {")
    for mirror in dict.fromkeys(package.mirror for package in providers.packages):
        names = sorted({package.provider for package in providers.packages if package.mirror == mirror})
        lines += [
            "  filesystem_mirror {",
            f"    path    = {_quote(mirror)}",
            f"    include = {json.dumps(names)}",
            "  }",
        ]
    if everything := sorted({package.provider for package in providers.packages}):
        lines += ["  direct {", f"    exclude = {json.dumps(everything)}", "  }"]
    else:
        lines.append("  direct {}")
    return "\n".join([*lines, "}", ""])


def describe(providers: Providers) -> list[str]:
    """Return what a person should know about *providers*, a line each."""
    if providers.from_registry:
        return [f"{REGISTRY} answers: providers come from there"]
    lines = [f"{REGISTRY} does not answer: providers come from mirrors on this machine"]
    lines += [
        f"{package.provider} {package.version} from {package.mirror}"
        for package in providers.packages
        if not package.provider.startswith(f"{OPENTOFU_REGISTRY}/")
    ]
    if providers.has_stand_in:
        lines.append(f"no genuine hashicorp/external was found: {STAND_IN.name}, a stand-in for tests, takes its place")
    if AWS not in {package.provider for package in providers.packages}:
        lines.append(f"no hashicorp/aws was found: name a folder that holds {REGISTRY} in {MIRRORS_VARIABLE}")
    return lines


def platform_name() -> str:
    """This machine as Terraform names it: `linux_amd64`."""
    system = {"win32": "windows", "darwin": "darwin"}.get(sys.platform, sys.platform.rstrip("0123456789"))
    machine = platform.machine().lower()
    return f"{system}_{_ARCHITECTURES.get(machine, machine)}"


def write_if_changed(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Give *path* the content *text* in one step; a file that has it stays, as a running Terraform may be using it."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(mode)
    temporary.replace(path)


def _quote(path: Path) -> str:
    return json.dumps(path.as_posix(), ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
