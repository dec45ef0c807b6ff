"""The spec document: read strictly, refused in words."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from layerwright.errors import SpecError
from layerwright.spec import parse_spec, render_schema
from layerwright.target import Target

GOOD: dict[str, Any] = {
    "runtime": "python3.13",
    "dependencies": {"lock_file": "/project/uv.lock", "groups": ["lambda"]},
    "store": {"bucket": "acme-artifacts", "prefix": "layers/"},
}


def test_what_is_not_said_has_its_default() -> None:
    spec = parse_spec(json.dumps(GOOD))

    assert spec.target == Target(runtime="python3.13", architecture="x86_64")
    assert (spec.kind, spec.upload_at, spec.root) == ("layer", "plan", "python/")
    assert spec.prune.defaults
    assert spec.dependencies
    assert spec.dependencies.groups == ("lambda",)


def test_an_archive_may_serve_several_targets() -> None:
    spec = parse_spec(json.dumps(GOOD | {"compatible_runtimes": ["python3.12"], "compatible_architectures": ["arm64"]}))

    assert [str(target) for target in spec.targets] == [
        "python3.13 on x86_64",
        "python3.13 on arm64",
        "python3.12 on x86_64",
        "python3.12 on arm64",
    ]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("", "spec: not JSON"),
        ("{", "spec: not JSON"),
        (b"\xff\xfe", "spec: not JSON"),
        ("[]", "the document: expected `object`, got `array`"),
        ("{}", "missing required field `runtime`"),
        (GOOD | {"layer_nmae": "x"}, "the document has no field 'layer_nmae'"),
        (GOOD | {"dependencies": {"lockfile": "/x"}}, "dependencies has no field 'lockfile': did you mean lock_file?"),
        (
            GOOD | {"sources": [{"path": "/x", "exlude": []}]},
            r"sources\[0\] has no field 'exlude': did you mean exclude",
        ),
        (GOOD | {"store": {"buckte": "x"}}, "store has no field 'buckte': did you mean bucket"),
        (GOOD | {"prune": {"kep": []}}, "prune has no field 'kep': did you mean keep"),
        (GOOD | {"runtime": 3.13}, "runtime: expected `str`, got `float`"),
        (GOOD | {"runtime": "python2.7"}, "runtime 'python2.7' does not exist"),
        (GOOD | {"architecture": "riscv64"}, "architecture 'riscv64' does not exist"),
        (GOOD | {"compatible_runtimes": ["python4"]}, "runtime 'python4' does not exist"),
        (GOOD | {"kind": "image"}, "kind: invalid enum value 'image'"),
        (GOOD | {"upload_at": "later"}, "upload_at: invalid enum value 'later'"),
        (GOOD | {"dependencies": None}, "nothing to build from"),
        (GOOD | {"dependencies": {"lock_file": "uv.lock"}}, "dependencies.lock_file must be an absolute path"),
        (GOOD | {"sources": [{"path": "src"}]}, r"sources\[0\].path must be an absolute path, not 'src'"),
        (GOOD | {"sources": [{"path": "/a\0b"}]}, "holds a NUL character"),
        (GOOD | {"sources": [{"path": "/a", "prefix": "../x"}]}, r"sources\[0\].prefix must be a folder inside"),
        (GOOD | {"sources": [{"path": "/a", "prefix": "/x"}]}, r"sources\[0\].prefix must be a folder inside"),
        (GOOD | {"store": {"bucket": "b", "prefix": "/layers"}}, "store.prefix: expected `str` matching regex"),
        (GOOD | {"store": {}}, "store takes a bucket or a directory"),
        (GOOD | {"store": {"bucket": "b", "directory": "/d"}}, "store takes a bucket or a directory"),
        (GOOD | {"handler": "app.lambda_handler"}, "a layer has no handler"),
        (" " * (1024 * 1024 + 1), "spec: larger than 1048576 bytes"),
    ],
)
def test_a_wrong_spec_is_refused_by_the_name_of_the_field(document: Any, says: str) -> None:
    """The document comes from HCL that somebody wrote: the message must lead to the line."""
    with pytest.raises(SpecError, match=says) as e:
        parse_spec(document if isinstance(document, (str, bytes)) else json.dumps(document))

    assert "\n" not in str(e.value)


def test_the_published_schema_says_the_same() -> None:
    """Editors and other callers check documents by the schema; it must not allow what the program refuses."""
    schema = render_schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(GOOD, schema)
    for wrong in (GOOD | {"x": 1}, GOOD | {"dependencies": {"lockfile": "/x"}}, {}, GOOD | {"kind": "image"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
