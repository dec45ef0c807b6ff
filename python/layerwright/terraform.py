"""Terraform's way in: the protocol of `data "external"`.

One JSON object of strings comes in on stdin, one goes out on stdout at the very end, a failure is one line on stderr
and an exit status. The provider kills the program with SIGKILL when Terraform is interrupted and waits for whoever
still holds stdout or stderr, so nothing here relies on cleaning up and no child inherits either.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from layerwright.build import build, plan
from layerwright.cache import WheelCache, cache_folder
from layerwright.command_line import render_command
from layerwright.errors import LayerwrightError, SpecError, StoreError, describe_bug, render_message
from layerwright.limits import DIRECT_UPLOAD_LIMIT
from layerwright.result import Result, render_result, warn_of_runtimes
from layerwright.spec import SPEC_LIMIT, LayerSpec, parse_spec
from layerwright.store import open_store


def main() -> int:
    """Answer the query on stdin; returns the exit status."""
    answer = _take_stdout()
    try:
        result = run(parse_query(sys.stdin.buffer.read(4 * SPEC_LIMIT)))
        document = json.dumps(render_result(result)).encode("ascii")
        while document:
            document = document[os.write(answer, document) :]
    except LayerwrightError as e:
        return _fail(str(e), e.exit_code)
    except OSError as e:
        return _fail(render_message(f"{e.filename or 'output'}: {e.strerror or e}"), 70)
    except Exception as e:  # noqa: BLE001 — whatever it is, Terraform shows one line
        return _fail(describe_bug(e), 70)
    return 0


def run(spec: LayerSpec) -> Result:
    """Do what *spec* asks for at the time that `upload_at` says.

    `plan` builds and stores what is missing; `apply` names the archive and leaves the rest to a provisioner; `never`
    raises `StoreError` with the command that builds it if it is missing.
    """
    if spec.upload_at == "apply":
        planned = plan(spec)
        result = Result(planned=planned, stored=None)
    else:
        if not spec.store:
            raise SpecError("spec: no store: give a bucket or a directory")
        store = open_store(spec.store, direct_upload_limit=DIRECT_UPLOAD_LIMIT)
        if spec.upload_at == "plan":
            result = build(spec, store, WheelCache(folder=cache_folder() / "wheels"))
        else:
            planned = plan(spec, store)
            if not (stored := store.find(planned.digest)):
                raise StoreError(
                    f"{spec.label}: {store.explain_absence(planned.digest)}, and upload_at is never: build it with: "
                    f"{render_command(spec)}"
                )
            result = Result(planned=planned, stored=stored)
    warnings = (*result.planned.warnings, *warn_of_runtimes(spec, datetime.now(UTC).date()))
    return replace(result, warnings=warnings)


def parse_query(document: bytes) -> LayerSpec:
    """Read Terraform's query: a JSON object whose one member, `spec`, is a spec document.

    Raises `SpecError` saying what else it holds.
    """
    try:
        query = json.loads(document.decode("utf-8"), object_pairs_hook=_refuse_duplicates)
    except (ValueError, RecursionError) as e:
        raise SpecError(f'query: not a JSON object of strings, as data "external" sends it: {e}') from e
    if not isinstance(query, dict) or not all(isinstance(value, str) for value in query.values()):
        raise SpecError('query: not a JSON object of strings, as data "external" sends it')
    if unknown := sorted(query.keys() - {"spec"}):
        raise SpecError(f"query: has no member {', '.join(map(repr, unknown))}: it has spec alone")
    if "spec" not in query:
        raise SpecError('query: spec is missing: set query = { spec = jsonencode({ runtime = "python3.13", … }) }')
    return parse_spec(query["spec"])


def _refuse_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is there twice")
    return members


def _take_stdout() -> int:
    """A descriptor of the real stdout; whatever else writes to stdout from here on reaches stderr."""
    answer = os.dup(1)
    try:
        os.dup2(2, 1)
    except OSError:  # stderr is closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return answer


def _fail(message: str, status: int) -> int:
    try:
        os.write(2, f"{message}\n".encode())
    except OSError:  # stderr is closed: the exit status has to do
        return status
    return status
