"""A spec as the command line that asks for the same, so that an error can name the command that mends it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from layerwright.spec import Dependencies, LayerSpec, Prune, Store


def render_command(spec: LayerSpec) -> str:
    """The `layerwright build` call that builds and stores the archive of *spec*, to be run in the current folder."""
    if any(source.include or source.exclude for source in spec.sources):
        # Patterns of one source among several have no option; the spec itself says them.
        return "layerwright build, with the query's spec in the environment variable LAYERWRIGHT_SPEC"
    return shlex.join(["layerwright", "build", *_options(spec)])


def _options(spec: LayerSpec) -> Iterator[str]:
    dependencies = spec.dependencies or Dependencies(lock_file="")
    store = spec.store or Store()
    yield from _option("--kind", spec.kind, LayerSpec(runtime="").kind)
    yield from _option("--name", spec.name, "")
    yield from _option("--lock-file", _shorten(dependencies.lock_file), "")
    yield from _option("--lock-format", dependencies.format, None)
    yield from _each("--extra", dependencies.extras)
    yield from _each("--group", dependencies.groups)
    yield from _option("--package", dependencies.package, "")
    yield from _option("--relock", dependencies.relock, "")
    yield from _each("--build-from-source", dependencies.build_from_source)
    yield from ["--offline"] if spec.offline else []
    for source in spec.sources:
        prefix = "" if source.prefix is None else f"{source.prefix}="
        yield from _option("--source", prefix + _shorten(source.path), "")
    yield from _option("--runtime", spec.runtime, "")
    yield from _option("--architecture", spec.architecture, "")
    yield from _each("--compatible-runtime", spec.compatible_runtimes)
    yield from _each("--compatible-architecture", spec.compatible_architectures)
    yield from _prune_options(spec.prune)
    yield from _each("--provided-by", tuple(_shorten(where) for where in spec.provided_by))
    yield from ["--scripts"] if spec.scripts else []
    yield from _option("--handler", spec.handler, None)
    yield from [] if spec.check_handler else ["--no-check-handler"]
    yield from [] if spec.check_limits else ["--no-check-limits"]
    yield from [] if spec.check_elf else ["--no-check-elf"]
    yield from _each("--provided-library", spec.provided_libraries)
    yield from _option("--bucket", store.bucket, None)
    yield from _option("--prefix", store.prefix, "")
    yield from _option("--region", store.region, None)
    yield from _option("--profile", store.profile, None)
    yield from _option("--role-arn", store.role_arn, None)
    yield from _option("--endpoint-url", store.endpoint_url, None)
    yield from _option("--kms-key-id", store.kms_key_id, None)
    yield from _option("--directory", _shorten(store.directory or ""), "")


def _prune_options(prune: Prune) -> Iterator[str]:
    yield from [] if prune.defaults else ["--no-prune"]
    yield from _each("--keep", prune.keep)
    yield from _each("--drop", prune.drop)
    yield from _each("--leave-out", prune.distributions)
    yield from ["--with-dependencies"] if prune.with_dependencies else []
    yield from ["--runtime-boto3"] if prune.runtime_boto3 else []


def _option(name: str, value: str | None, default: str | None) -> Iterator[str]:
    if value is not None and value != default:
        yield f"{name}={value}" if value.startswith("-") else name
        if not value.startswith("-"):
            yield value


def _each(name: str, values: tuple[str, ...]) -> Iterator[str]:
    for value in values:
        yield from _option(name, value, None)


def _shorten(path: str) -> str:
    """The path relative to the current folder, where it is below it."""
    if not path or not Path(path).is_relative_to(Path.cwd()):
        return path
    return str(Path(path).relative_to(Path.cwd()))
