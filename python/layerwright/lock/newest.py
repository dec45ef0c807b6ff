"""Let uv choose versions, and rule out those with no wheel that the target loads, until all of them have one.

uv knows glibc 2.17, 2.28 and newer, but not the 2.26 of Amazon Linux 2. Told 2.17, it misses newer wheels that would
run; told 2.28, it takes some that would not. So it is told the next it knows, and what it takes is checked against our
tags.
"""

from __future__ import annotations

import dataclasses
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.pylock import Package, PackageWheel, Pylock
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from layerwright.errors import LayerwrightError, LockError, ResolutionError, render_problems
from layerwright.lock.candidates import group_packages, has_wheel_for, merge_packages, versions_of
from layerwright.lock.command import UvError, run_uv
from layerwright.lock.pylock import parse_pylock, render_pylock
from layerwright.lock.requirements import RequirementText
from layerwright.nearest import explain_misfit
from layerwright.target import ARCHITECTURES, Target

ROUNDS = 60
"""Times that uv is asked; each but the last rules out at least one version."""

COMPILE_SECONDS = 300.0

OUTPUT = "pylock.toml"
"""File that uv writes to where it is told to, and whose versions it keeps then."""

_UV_GLIBC = (17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40)
"""glibc 2.x that uv has a `--python-platform` for: `uv pip compile --help` of uv 0.13."""

_NO_SOLUTION = "No solution found when resolving dependencies: Because "
_CONCLUSION = ", we can conclude that your requirements are unsatisfiable"
_OWN_HINT = re.compile(r"; hint: [^;]*`--python-version`[^;]*")
"""uv's advice on an option that is not a person's to give, but ours."""
_INDEX_ADVICE = "check that the package index can be reached (UV_DEFAULT_INDEX, proxy, credentials)"
_CACHE = "Failed to initialize cache"
_CACHE_ADVICE = "set UV_CACHE_DIR to a folder that can be written"


def resolve_newest(
    text: RequirementText,
    targets: Sequence[Target],
    lock_name: str,
    *,
    built: Sequence[str] = (),
    offline: bool = False,
    kept: Pylock | None = None,
    exclude_newer: str = "",
) -> Pylock:
    """Return the newest versions that *text* admits and that all *targets* load, one for each distribution.

    Of the distributions in *built* the sdist is taken, whose code uv may run to learn what they need. If *offline*, the
    versions are those that uv's own cache knows. Versions that *kept* has stay where they can. What was uploaded from
    *exclude_newer* on, a date or time in uv's form, does not count.

    Raises `LockError` with what uv says where there are none or no index answers, and `ResolutionError` naming the
    distributions that have no wheel for the targets.
    """
    with tempfile.TemporaryDirectory(prefix="layerwright-", ignore_cleanup_errors=True) as name:
        search = Search(
            text=text,
            targets=targets,
            lock_name=lock_name,
            offline=offline,
            folder=Path(name).resolve(),
            built=frozenset(map(canonicalize_name, built)),
        )
        search.options = [f"--exclude-newer={exclude_newer}"] if exclude_newer else []
        search.kept = kept
        for _ in range(ROUNDS):
            packages = group_packages(package for target in targets for package in search.compile(target))
            search.check_apart(packages.values())
            rules = [rule for found in packages.values() if (rule := search.rule_out(found))]
            if not rules:
                return search.finish([search.merge(found) for found in packages.values()])
            search.rules += rules
    raise LockError(
        f"{lock_name}: uv chose versions {ROUNDS} times and never ones that run on {search.where}: pin versions "
        f"that do of {', '.join(search.ruled_out) or 'what is asked for'}"
    )


def find_files(
    text: RequirementText,
    targets: Sequence[Target],
    lock_name: str,
    *,
    built: Sequence[str] = (),
    offline: bool = False,
) -> Pylock:
    """Return the wheels of just what *text* pins, whatever that needs further; markers in it count for nothing.

    *built* and *offline* are as in `resolve_newest`. Raises as `resolve_newest` does.
    """
    with tempfile.TemporaryDirectory(prefix="layerwright-", ignore_cleanup_errors=True) as name:
        search = Search(
            text=text,
            targets=targets,
            lock_name=lock_name,
            offline=offline,
            folder=Path(name).resolve(),
            built=frozenset(map(canonicalize_name, built)),
        )
        oldest = min(targets, key=lambda target: target.python)
        try:
            found = search.run((line.text for line in text.requirements), ["--universal", "--no-deps"], oldest)
        except UvError as e:
            raise search.explain_refusal(str(e), oldest) from e
        return search.finish([search.merge([package]) for package in found], for_all=False)


@dataclass(slots=True, kw_only=True)
class Search:
    """What is asked for, and what was ruled out so far."""

    text: RequirementText
    targets: Sequence[Target]
    lock_name: str
    offline: bool
    folder: Path
    """Where uv runs: of this run alone, so that nobody's settings lie in or above it."""
    built: frozenset[NormalizedName]
    """Names of distributions to build from their sdists."""
    rules: list[str] = field(default_factory=list)
    """Constraints found so far: `pyarrow!=23.0.0`."""
    options: list[str] = field(default_factory=list)
    """Further options of uv."""
    kept: Pylock | None = None
    """Versions that stay where they can."""
    ruled_out: dict[NormalizedName, list[Package]] = field(default_factory=dict)
    """Versions with no wheel for the targets, newest first."""

    def compile(self, target: Target) -> Sequence[Package]:
        """What uv chooses for *target*, with all wheels of these versions that come near to running there."""
        self._write("constraints.txt", [*(line.text for line in self.text.constraints), *self.rules])
        arguments = ["--constraints", "constraints.txt", "--python-platform", _uv_platform(target)]
        if self.kept:
            (self.folder / OUTPUT).write_bytes(render_pylock(self.kept))
            arguments += ["--output-file", OUTPUT]
        try:
            return self.run((line.text for line in self.text.requirements), arguments, target)
        except UvError as e:
            raise self.explain_refusal(str(e), target) from e

    def check_apart(self, packages: Iterable[Sequence[Package]]) -> None:
        """Raise `ResolutionError` where each target has a wheel, but none serves all: older versions are no better."""
        apart = []
        for package in (self.merge(found) for found in packages if len(versions_of(found)) == 1):
            if package.sdist:
                continue
            wheels = package.wheels or []
            if not has_wheel_for(wheels, self.targets) and all(
                has_wheel_for(wheels, [target]) for target in self.targets
            ):
                apart.append(f"{package.name} {package.version}")
        if apart:
            raise ResolutionError(
                f"{self.lock_name}: no one wheel of {', '.join(apart)} runs on {self.where}, although each has one: "
                "build a layer for each"
            )

    def rule_out(self, found: Sequence[Package]) -> str | None:
        """A constraint that excludes what was *found* of a distribution, if it does not serve all targets."""
        name, versions = found[0].name, versions_of(found)
        if len(versions) > 1:
            return f"{name}<={min(versions)}"
        package = self.merge(found)
        if package.sdist:
            return None
        if self._is_last_resort(package):
            raise self.explain_misfits([name])
        if not package.wheels or has_wheel_for(package.wheels, self.targets):
            return None  # one that is named by its URL is left to `resolve`, which says what is wrong with it
        self.ruled_out.setdefault(name, []).append(package)
        return f"{name}!={package.version}"

    def finish(self, packages: Iterable[Package], *, for_all: bool = True) -> Pylock:
        """A lock file of *packages*, of which only those wheels are left that the hashes in the text admit.

        One wheel must serve all targets, unless that is not asked *for_all* of them.
        """
        kept = sorted(packages, key=lambda package: package.name)
        if admitted := self.text.hashes:
            kept = self._admit(kept, admitted, for_all=for_all)
        return Pylock(lock_version=Version("1.0"), created_by="layerwright", packages=kept)

    def explain_misfits(self, names: Iterable[NormalizedName]) -> ResolutionError:
        """The error that none of the versions admitted of *names* has a wheel for the targets."""
        problems = []
        for name in names:
            newest, *older = self.ruled_out[name]
            filenames = [wheel.filename for wheel in self._all_wheels(newest)]
            tried = [str(package.version) for package in older]
            label = f"{name} {newest.version}"
            problems.append(explain_misfit(label, name, filenames, self.targets, tried=tried))
        return ResolutionError(f"{self.lock_name}: {render_problems(problems)}")

    def _admit(
        self, packages: Iterable[Package], admitted: Mapping[NormalizedName, frozenset[str]], *, for_all: bool
    ) -> list[Package]:
        served = [self.targets] if for_all else [[target] for target in self.targets]
        problems, kept = [], []
        for package in packages:
            label, hashes = f"{package.name} {package.version}", admitted.get(package.name, frozenset())
            wheels = [wheel for wheel in package.wheels or () if wheel.hashes.get("sha256") in hashes]
            if not hashes:
                problems.append(f"{label} is needed too, and is not listed")
            elif package.archive and package.archive.hashes.get("sha256") not in hashes:
                problems.append(f"{label}: the file at its URL has none of the hashes listed")
            sdist = package.sdist if package.sdist and package.sdist.hashes.get("sha256") in hashes else None
            served_by_none = not any(has_wheel_for(wheels, targets) for targets in served)
            if hashes and not package.archive and not sdist and served_by_none:
                problems.append(f"{label}: no hash listed is of a wheel for {self.where}")
            kept.append(dataclasses.replace(package, wheels=wheels or None, sdist=sdist))
        if problems:
            raise LockError(f"{self.lock_name}: {render_problems(problems)}: lock again with the hashes of all wheels")
        return kept

    def _is_last_resort(self, package: Package) -> bool:
        """Whether it is a pre-release, nobody asked for one, and uv takes it as we ruled out every proper release."""
        if self.text.prereleases or package.name not in self.ruled_out:
            return False
        first, version = self.ruled_out[package.name][0].version, package.version
        return bool(version and version.is_prerelease and first and not first.is_prerelease)

    def merge(self, found: Sequence[Package]) -> Package:
        """One entry of what was *found* of a distribution; its sdist counts only if it is to be built."""
        return merge_packages(found, keep_sdist=found[0].name in self.built)

    @property
    def where(self) -> str:
        """All targets, for messages."""
        return " and ".join(map(str, self.targets))

    def _all_wheels(self, package: Package) -> Sequence[PackageWheel]:
        """The wheels of *package* for other runtimes too, so that the error can say which would do."""
        line = f"{package.name}=={package.version}"
        try:
            found = self.run([line], ["--universal", "--no-deps"], self.targets[0])
        except UvError:
            found = [package]
        return next((p.wheels for p in found if p.name == package.name and p.wheels), package.wheels or [])

    def run(self, requirements: Iterable[str], arguments: Sequence[str], target: Target) -> Sequence[Package]:
        """What uv compiles *requirements* to, for *target* or, if universally, for its Python and later.

        Raises `UvError` with what uv says.
        """
        command = [
            "pip",
            "compile",
            "-",
            *arguments,
            *self.options,
            *(f"--no-binary={name}" for name in sorted(self.built)),
            "--format",
            "pylock.toml",
            "--no-header",
            "--no-annotate",
        ]
        command += ["--only-binary", ":all:", "--python-version", target.marker_environment["python_full_version"]]
        # Any interpreter will do, as nothing is built; without one named, uv looks for the target's and downloads it.
        command += ["--python", sys.executable, "--no-python-downloads"]
        command += ["--offline"] if self.offline else []
        command += ["--prerelease", "allow"] if self.text.prereleases else []
        command += [f"--allow-insecure-host={host}" for host in self.text.trusted_hosts]
        # What the file says of its index holds, as with pip; uv itself would let the variables win.
        named = any(line.startswith("--index-url") for line in self.text.index_options)
        # uv takes the settings of the nearest uv.toml or pyproject.toml; those of the user and the system still hold.
        self._write("uv.toml", [])
        output = run_uv(
            command,
            folder=self.folder,
            timeout=COMPILE_SECONDS,
            stdin=_join((*self.text.index_options, *requirements)),  # not in a file, as it may hold credentials
            asks_index=True,
            ignored=("UV_DEFAULT_INDEX", "UV_INDEX_URL") if named else (),
        )
        written = self.folder / OUTPUT  # in place of stdout, where versions of an earlier one are kept
        return parse_pylock(output or written.read_text(encoding="utf-8"), self.lock_name).packages

    def _write(self, name: str, lines: Iterable[str]) -> None:
        (self.folder / name).write_text(_join(lines), encoding="utf-8")

    def explain_refusal(self, said: str, target: Target) -> LayerwrightError:
        """The error that uv's words, or what was ruled out before, amount to."""
        said = said.replace(f"{self.folder}{os.sep}", "")
        if not said.startswith(_NO_SOLUTION):
            return LockError(f"{self.lock_name}: {said}: {_CACHE_ADVICE if _CACHE in said else _INDEX_ADVICE}")
        if names := [name for name in self.ruled_out if re.search(rf"\b{re.escape(name)}\b", said)]:
            return self.explain_misfits(names)
        if self.offline:
            advice = "offline, only what uv's cache has can be chosen: use a lock file, or run once with the network"
        elif "authentication credentials" in said or "403 Forbidden" in said:
            advice = "give credentials for the index (in UV_DEFAULT_INDEX, netrc or with `uv auth login`)"
        elif "was not found in the package registry" in said:
            advice = "correct the name, or say which index has it (--index-url in the file, or UV_DEFAULT_INDEX)"
        elif len(self.targets) > 1:
            advice = "change the requirements, or build a layer for each runtime and architecture"
        else:
            advice = "change the requirements, or use another runtime"
        why = _OWN_HINT.sub("", said.removeprefix(_NO_SOLUTION).replace(_CONCLUSION, ""))
        return LockError(f"{self.lock_name}: has no solution for {target}: {why}: {advice}")


def _uv_platform(target: Target) -> str:
    """uv's name of the oldest glibc that has all wheels of *target*: `x86_64-manylinux_2_28`."""
    minor = next((minor for minor in _UV_GLIBC if minor >= target.glibc[1]), _UV_GLIBC[-1])
    return f"{ARCHITECTURES[target.architecture]}-manylinux_2_{minor}"


def _join(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
