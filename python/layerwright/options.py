"""The command line's options that say what to build: one list for all commands, a field of the spec each."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from typer import Option

from layerwright.errors import SpecError
from layerwright.spec import LayerSpec, parse_spec

SPEC_VARIABLE = "LAYERWRIGHT_SPEC"
"""Environment variable that may hold a spec document in place of options; Terraform's provisioner uses it."""

_TARGET, _DEPENDENCIES, _CONTENTS, _STORE = "Target", "Dependencies", "Contents", "Store"


def make_spec(
    *,
    runtime: Annotated[str, Option(help="Lambda runtime, such as python3.13.", rich_help_panel=_TARGET)] = "",
    architecture: Annotated[str, Option(help="x86_64 or arm64.", rich_help_panel=_TARGET)] = "x86_64",
    compatible_runtime: Annotated[
        list[str], Option(help="Further runtime that the same archive must serve.", rich_help_panel=_TARGET)
    ] = [],
    compatible_architecture: Annotated[
        list[str], Option(help="Further architecture that the same archive must serve.", rich_help_panel=_TARGET)
    ] = [],
    kind: Annotated[
        str, Option(help="layer (under python/) or function (at the root).", rich_help_panel=_TARGET)
    ] = "layer",
    name: Annotated[str, Option(help="Name for messages.", rich_help_panel=_TARGET)] = "",
    lock_file: Annotated[
        str, Option(help="Lock file of any tool, requirements.txt or pyproject.toml.", rich_help_panel=_DEPENDENCIES)
    ] = "",
    lock_format: Annotated[
        str,
        Option(
            help="pylock, uv, poetry, pdm, pipfile, requirements or pyproject, where the name does not say.",
            rich_help_panel=_DEPENDENCIES,
        ),
    ] = "",
    extra: Annotated[list[str], Option(help="Extra of the project.", rich_help_panel=_DEPENDENCIES)] = [],
    group: Annotated[list[str], Option(help="Dependency group.", rich_help_panel=_DEPENDENCIES)] = [],
    package: Annotated[str, Option(help="Member of a uv workspace.", rich_help_panel=_DEPENDENCIES)] = "",
    relock: Annotated[
        str, Option(help="Any other text resolves unlocked requirements anew.", rich_help_panel=_DEPENDENCIES)
    ] = "",
    build_from_source: Annotated[
        list[str],
        Option(
            help="Distribution to build from its sdist, which runs its code; :all: for those without a usable wheel.",
            rich_help_panel=_DEPENDENCIES,
        ),
    ] = [],
    offline: Annotated[
        bool, Option(help="Download nothing: take wheels from the cache only.", rich_help_panel=_DEPENDENCIES)
    ] = False,
    source: Annotated[
        list[str],
        Option(
            help="Own folder, project or file: PATH, or FOLDER=PATH to place it in the archive's FOLDER.",
            rich_help_panel=_CONTENTS,
        ),
    ] = [],
    include: Annotated[
        list[str], Option(help="gitignore pattern of sources to take although ignored.", rich_help_panel=_CONTENTS)
    ] = [],
    exclude: Annotated[
        list[str], Option(help="gitignore pattern of sources to leave out.", rich_help_panel=_CONTENTS)
    ] = [],
    prune: Annotated[
        bool, Option(help="Leave out tests, caches, stubs and headers of wheels.", rich_help_panel=_CONTENTS)
    ] = True,
    keep: Annotated[
        list[str], Option(help="gitignore pattern of a wheel's files to keep.", rich_help_panel=_CONTENTS)
    ] = [],
    drop: Annotated[
        list[str], Option(help="gitignore pattern of a wheel's files to drop.", rich_help_panel=_CONTENTS)
    ] = [],
    leave_out: Annotated[list[str], Option(help="Distribution to leave out whole.", rich_help_panel=_CONTENTS)] = [],
    with_dependencies: Annotated[
        bool, Option(help="With --leave-out, leave out what nothing else needs.", rich_help_panel=_CONTENTS)
    ] = False,
    runtime_boto3: Annotated[
        bool, Option(help="Leave out boto3 and its family, which the runtime has.", rich_help_panel=_CONTENTS)
    ] = False,
    provided_by: Annotated[
        list[str],
        Option(
            help="Manifest of another layer, a path or s3://bucket/key; what that has is left out.",
            rich_help_panel=_CONTENTS,
        ),
    ] = [],
    scripts: Annotated[bool, Option(help="Keep console scripts, in bin/.", rich_help_panel=_CONTENTS)] = False,
    handler: Annotated[
        str, Option(help="Handler of a function, module.callable; found where there is one.", rich_help_panel=_CONTENTS)
    ] = "",
    check_handler: Annotated[
        bool, Option(help="Require the handler to be in the sources.", rich_help_panel=_CONTENTS)
    ] = True,
    check_limits: Annotated[
        bool, Option(help="Refuse an archive that Lambda would refuse for its size.", rich_help_panel=_CONTENTS)
    ] = True,
    check_elf: Annotated[
        bool, Option(help="Refuse compiled files that the runtime could not load.", rich_help_panel=_CONTENTS)
    ] = True,
    provided_library: Annotated[
        list[str], Option(help="Shared library that another layer brings in lib/.", rich_help_panel=_CONTENTS)
    ] = [],
    bucket: Annotated[str, Option(help="S3 bucket to store in.", rich_help_panel=_STORE)] = "",
    prefix: Annotated[str, Option(help="What every key begins with, such as layers/.", rich_help_panel=_STORE)] = "",
    region: Annotated[str, Option(help="AWS region of the bucket.", rich_help_panel=_STORE)] = "",
    profile: Annotated[str, Option(help="AWS profile.", rich_help_panel=_STORE)] = "",
    role_arn: Annotated[str, Option(help="Role to assume for the bucket.", rich_help_panel=_STORE)] = "",
    endpoint_url: Annotated[str, Option(help="Address of S3, where it is not AWS's.", rich_help_panel=_STORE)] = "",
    kms_key_id: Annotated[str, Option(help="KMS key to encrypt with.", rich_help_panel=_STORE)] = "",
    directory: Annotated[str, Option(help="Folder to store in, in place of a bucket.", rich_help_panel=_STORE)] = "",
) -> LayerSpec:
    """Make the spec that the options, or else the environment variable `LAYERWRIGHT_SPEC`, ask for.

    Paths may be relative to the current folder. Raises `SpecError` as `parse_spec` does.
    """
    store = {
        "bucket": bucket, "region": region, "profile": profile, "role_arn": role_arn, "endpoint_url": endpoint_url,
        "kms_key_id": kms_key_id, "directory": _absolute(directory),
    }  # fmt: skip
    dependencies = {"lock_file": _absolute(lock_file), "format": lock_format, "package": package, "relock": relock}
    if not runtime:
        if given := os.environ.get(SPEC_VARIABLE):
            return parse_spec(given)
        raise SpecError("no runtime: give --runtime, such as --runtime python3.13")
    document = {
        "runtime": runtime,
        "architecture": architecture,
        "compatible_runtimes": compatible_runtime,
        "compatible_architectures": compatible_architecture,
        "kind": kind,
        "name": name,
        "dependencies": {
            **_given(dependencies),
            "extras": extra,
            "groups": group,
            "build_from_source": build_from_source,
        }
        if lock_file
        else None,
        "sources": [{**_parse_source(text), "include": include, "exclude": exclude} for text in source],
        "prune": {
            "defaults": prune,
            "keep": keep,
            "drop": drop,
            "distributions": leave_out,
            "with_dependencies": with_dependencies,
            "runtime_boto3": runtime_boto3,
        },
        "provided_by": [where if where.startswith("s3://") else _absolute(where) for where in provided_by],
        "scripts": scripts,
        "handler": handler or None,
        "check_handler": check_handler,
        "check_limits": check_limits,
        "check_elf": check_elf,
        "provided_libraries": provided_library,
        "offline": offline,
        "store": {**_given(store), "prefix": prefix} if bucket or directory else None,
    }
    return parse_spec(msgspec.json.encode(document))


def takes_spec(command: Callable[..., int]) -> Callable[..., int]:
    """Let a command, whose first parameter is a `LayerSpec`, take the options of `make_spec` beside its own."""
    options = _spec_options()
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    ]

    @functools.wraps(command)
    def with_options(**given: Any) -> int:  # noqa: ANN401 — values of whichever options there are
        spec = make_spec(**{name: given.pop(name) for name in options})
        return command(spec, **given)

    with_options.__signature__ = inspect.Signature([*options.values(), *own])  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in (*options.values(), *own)}
    return with_options


@functools.cache
def _spec_options() -> Mapping[str, inspect.Parameter]:
    return inspect.signature(make_spec, eval_str=True).parameters


def _absolute(path: str) -> str:
    return os.path.abspath(path) if path else ""  # noqa: PTH100 — links stay as they are


def _given(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}


def _parse_source(text: str) -> dict[str, str]:
    prefix, equals, path = text.partition("=")
    return {"path": _absolute(path), "prefix": prefix} if equals else {"path": _absolute(text)}
