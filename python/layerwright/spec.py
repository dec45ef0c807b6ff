"""What was asked for: one `LayerSpec`, whichever way it came in.

The types below are the published schema (`layerwright schema` prints it as JSON Schema) and the only reader of it.
Paths are absolute, for reading only, and never reach a digest.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from layerwright.errors import SpecError
from layerwright.target import Target

SPEC_LIMIT = 1024 * 1024
"""Bytes of a spec document; a larger one is a mistake."""

_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`(?: - at `\$\.?(?P<where>[^`]*)`)?")
_OTHER_PROBLEM = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<where>[^`]*)`)?$", re.DOTALL)

Prefix = Annotated[str, msgspec.Meta(max_length=512, pattern=r"^$|^[A-Za-z0-9!_.*'()-][A-Za-z0-9!_.*'()/-]*$")]
"""What every key begins with; no leading slash."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the spec; a field it does not have is refused by name."""


class Dependencies(_Part, frozen=True):
    """The lock file and what of it is wanted."""

    lock_file: str
    format: Literal["pylock", "uv", "poetry", "pdm", "pipfile", "requirements", "pyproject"] | None = None
    """How to read it where the file's name does not say."""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Dependency groups (PEP 735) beside the project's own dependencies."""
    package: str = ""
    """Member of a uv workspace whose dependencies are wanted; default: the project at its root."""
    relock: str = ""
    """Any text; another text resolves unlocked requirements anew."""
    build_from_source: tuple[str, ...] = ()
    """Distributions to build from their sdists, which runs their code.

    `:all:` for those of a lock file that have no usable wheel.
    """


class Source(_Part, frozen=True):
    """A folder or a file of one's own."""

    path: str
    prefix: str | None = None
    """Folder in the archive that it goes to; a layer's is under `python/`. Default: see `sources.read_sources`."""
    include: tuple[str, ...] = ()
    """gitignore patterns of what to take back that is ignored by default."""
    exclude: tuple[str, ...] = ()
    """gitignore patterns of what to leave out."""


class Prune(_Part, frozen=True):
    """What of the wheels is left out of the archive."""

    defaults: bool = True
    keep: tuple[str, ...] = ()
    """gitignore patterns of paths, as the search path sees them, that stay although a rule names them."""
    drop: tuple[str, ...] = ()
    """gitignore patterns of paths, as the search path sees them, that go."""
    distributions: tuple[str, ...] = ()
    """Names of distributions that are left out whole."""
    with_dependencies: bool = False
    """Whether what nothing but these needs goes with them; only uv.lock tells what that is."""
    runtime_boto3: bool = False
    """Whether boto3, botocore, s3transfer and jmespath are left out, for the runtime has its own."""


class Store(_Part, frozen=True):
    """Where the archive is kept: a bucket, or else a directory of this machine."""

    bucket: str | None = None
    prefix: Prefix = ""
    region: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    endpoint_url: str | None = None
    kms_key_id: str | None = None
    directory: str | None = None


class LayerSpec(_Part, frozen=True):
    """All that decides an archive, where it is kept and when.

    `kind` is `layer` (everything under `python/`, key `layer-….zip`) or `function` (code at the root, key
    `function-….zip`).
    """

    runtime: str
    architecture: str = "x86_64"
    kind: Literal["layer", "function"] = "layer"
    name: str = ""
    """The layer's or function's name, for messages and the description only."""
    compatible_runtimes: tuple[str, ...] = ()
    """Further runtimes that the same archive must serve."""
    compatible_architectures: tuple[str, ...] = ()
    """Further architectures that the same archive must serve."""
    dependencies: Dependencies | None = None
    sources: tuple[Source, ...] = ()
    prune: Prune = Prune()
    scripts: bool = False
    """Whether console scripts are kept, in `bin/`, which a layer has on PATH."""
    handler: str | None = None
    """A function's handler, `module.callable`; found where there is just one."""
    check_handler: bool = True
    """Whether the handler must be in the function's own sources; `False` where a layer holds it."""
    check_limits: bool = True
    """Whether an archive that Lambda would refuse for its size is an error; `False` to look into such a one."""
    provided_by: tuple[str, ...] = ()
    """Manifests of layers that the function has too, each an absolute path or `s3://bucket/key`: what they hold in the
    same version is left out."""
    check_elf: bool = True
    """Whether compiled files that the runtime could not load are an error; `False` to look into such an archive."""
    provided_libraries: tuple[str, ...] = ()
    """Names of shared libraries that another layer brings in `lib/`: `libgomp.so.1`."""
    store: Store | None = None
    upload_at: Literal["plan", "apply", "never"] = "plan"
    offline: bool = False
    """Whether no package index may be asked: all wheels must be in the cache, or be files."""

    @property
    def target(self) -> Target:
        """Where the archive runs first of all; the order of its wheels' tags decides between two that fit."""
        return Target(runtime=self.runtime, architecture=self.architecture)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Everywhere the archive must run, `target` first."""
        runtimes = dict.fromkeys((self.runtime, *self.compatible_runtimes))
        architectures = dict.fromkeys((self.architecture, *self.compatible_architectures))
        return tuple(Target(runtime=r, architecture=a) for r in runtimes for a in architectures)

    @property
    def label(self) -> str:
        """What messages call it: `layer orders-dependencies`."""
        return f"{self.kind} {self.name}".strip()

    @property
    def root(self) -> str:
        """Folder of the archive that Python's search path has: `python/`, or nothing for a function."""
        return "python/" if self.kind == "layer" else ""


def parse_spec(document: bytes | str) -> LayerSpec:
    """Read a spec from JSON.

    Raises `SpecError` naming the field that is unknown, missing or of the wrong type, and what it might have been.
    """
    if len(document) > SPEC_LIMIT:
        raise SpecError(f"spec: larger than {SPEC_LIMIT} bytes: give paths in it, not contents")
    try:
        spec = msgspec.json.decode(document, type=LayerSpec)
    except msgspec.ValidationError as e:
        raise SpecError(_explain(str(e))) from e
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise SpecError(f"spec: not JSON: {e}") from e
    return check_spec(spec)


def check_spec(spec: LayerSpec) -> LayerSpec:
    """Return *spec* if its fields agree with each other; raises `SpecError` if not."""
    assert spec.targets  # each Target refuses what Lambda does not have
    if not spec.dependencies and not spec.sources:
        raise SpecError("spec: nothing to build from: give dependencies, sources or both")
    _check_paths(spec)
    for i, source in enumerate(spec.sources):
        if source.prefix is not None and not is_inner_path(source.prefix):
            raise SpecError(f"spec: sources[{i}].prefix must be a folder inside the archive, not {source.prefix!r}")
    if spec.kind == "layer" and spec.handler:
        raise SpecError("spec: a layer has no handler: leave handler out, or use kind function")
    if spec.store and bool(spec.store.bucket) == bool(spec.store.directory):
        raise SpecError("spec: store takes a bucket or a directory, and just one of them")
    return spec


def _check_paths(spec: LayerSpec) -> None:
    """Raise `SpecError` for a path that is no absolute one, or an address that is none."""
    paths = [("dependencies.lock_file", spec.dependencies.lock_file)] if spec.dependencies else []
    paths += [(f"sources[{i}].path", source.path) for i, source in enumerate(spec.sources)]
    if spec.store and spec.store.directory:
        paths.append(("store.directory", spec.store.directory))
    for i, where in enumerate(spec.provided_by):
        if not where.startswith("s3://"):
            paths.append((f"provided_by[{i}]", where))
        elif not all(where.removeprefix("s3://").partition("/")):
            raise SpecError(f"spec: provided_by[{i}] must be s3://bucket/key, not {where!r}")
    for field, path in paths:
        if "\0" in path:
            raise SpecError(f"spec: {field} holds a NUL character")
        if not Path(path).is_absolute():
            raise SpecError(f"spec: {field} must be an absolute path, not {path!r}: use abspath() in Terraform")


def is_inner_path(path: str) -> bool:
    """Whether *path* is relative, in its simplest form and stays inside what it is relative to."""
    return path == "" or all(
        part not in ("", ".", "..") and "\\" not in part and "\0" not in part for part in path.split("/")
    )


def render_schema() -> dict[str, Any]:
    """The JSON Schema of a spec document."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | msgspec.json.schema(LayerSpec)


def _explain(message: str) -> str:
    if unknown := _UNKNOWN_FIELD.match(message):
        field, where = unknown["field"], unknown["where"] or ""
        known = _fields_at(where)
        near = get_close_matches(field, known, n=1)
        advice = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
        return f"spec: {where or 'the document'} has no field {field!r}: {advice}"
    other = _OTHER_PROBLEM.match(message)
    assert other
    return f"spec: {other['where'] or 'the document'}: {other['what'][0].lower()}{other['what'][1:]}"


def _fields_at(where: str) -> list[str]:
    """Names of the fields of the part at a path of msgspec's: `store`, `sources[...]`."""
    parts: dict[str, type[_Part]] = {"dependencies": Dependencies, "sources": Source, "prune": Prune, "store": Store}
    part = parts.get(re.split(r"[.\[]", where)[0], LayerSpec) if where else LayerSpec
    return [field.name for field in msgspec.structs.fields(part)]
