"""The handler is found, or refused in the plan, by parsing the sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from layerwright.errors import SpecError
from layerwright.handler import find_handler
from layerwright.sources import read_sources
from layerwright.spec import LayerSpec, Source

GOOD = "def lambda_handler(event, context):\n    return event\n"


def find(folder: Path, handler: str | None, files: dict[str, str], **fields: object) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    sources = (Source(path=str(folder)),)
    spec = LayerSpec(runtime="python3.13", kind="function", handler=handler, sources=sources, **fields)  # type: ignore[arg-type]
    return find_handler(spec, read_sources(spec))


@pytest.mark.parametrize(
    ("handler", "path", "text"),
    [
        ("app.lambda_handler", "app.py", GOOD),
        ("src.api.app.handle", "src/api/app.py", "def handle(e, c): ..."),
        ("src/api/app.handle", "src/api/app.py", "def handle(e, c): ..."),
        ("api.handle", "api/__init__.py", "from api.inner import handle"),
        ("app.handler", "app.py", "from mangum import Mangum\nhandler = Mangum(app)"),
        ("app.handler", "app.py", "handler: object = make()"),
        ("app.handler", "app.py", "class handler:\n    def __call__(self): ..."),
        ("app.handler", "app.py", "import x.y as handler"),
        ("app.handler", "app.py", "try:\n    from a import handler\nexcept ImportError:\n    handler = None"),
        ("app.handler", "app.py", "if True:\n    def handler(e, c): ..."),
        ("app.handler", "app.py", "a, handler = make()"),
        ("app.handler", "app.py", "@sync\nasync def handler(e, c): ..."),
    ],
)
def test_a_handler_that_can_be_called_is_accepted(tmp_path: Path, handler: str, path: str, text: str) -> None:
    assert find(tmp_path, handler, {path: text}) == handler


@pytest.mark.parametrize(
    ("handler", "files", "says"),
    [
        ("lambda_handler", {"app.py": GOOD}, "is not module.callable, such as app.lambda_handler"),
        ("app.", {"app.py": GOOD}, "is not module.callable"),
        (
            "main.lambda_handler",
            {"app.py": GOOD},
            "no main.py .*: correct handler or sources, or set check_handler = false",
        ),
        ("app.lambda_handler", {"src/app.py": GOOD}, r"no app\.py \(there is src/app\.py\)"),
        ("app.lambda_handle", {"app.py": GOOD}, "app.py defines no lambda_handle, but lambda_handler: correct handler"),
        ("app.run", {"app.py": GOOD}, "app.py defines no run, but lambda_handler"),
        ("app.run", {"app.py": "def f(): run = 1"}, "app.py defines no run: correct handler"),
        ("app.handler", {"app.py": "handler = 'x'"}, "handler in app.py is not something that can be called"),
        ("app.handler", {"app.py": "async def handler(e, c): ..."}, "is async, and Lambda's runtime does not await it"),
        ("app.handler", {"app.py": "def handler(:\n"}, "app.py line 1: .*: the function could not be imported"),
        (None, {"app.py": "def run(e, c): ..."}, "not given, and no file at the top defines lambda_handler or handler"),
        (None, {"a.py": GOOD, "b.py": GOOD}, "not given, and could be a.lambda_handler, b.lambda_handler"),
    ],
)
def test_a_wrong_handler_is_refused_with_what_is_there(
    tmp_path: Path, handler: str | None, files: dict[str, str], says: str
) -> None:
    """Otherwise the first event finds out: Runtime.HandlerNotFound, in production."""
    with pytest.raises(SpecError, match=says):
        find(tmp_path, handler, files)


def test_the_only_usual_handler_is_found(tmp_path: Path) -> None:
    assert find(tmp_path, None, {"app.py": GOOD, "lib/other.py": GOOD, "model.py": "x = 1"}) == "app.lambda_handler"


def test_a_handler_in_a_layer_need_not_be_in_the_sources(tmp_path: Path) -> None:
    assert find(tmp_path, "datadog_lambda.handler.handler", {"app.py": GOOD}, check_handler=False) == (
        "datadog_lambda.handler.handler"
    )


def test_a_layer_has_no_handler() -> None:
    assert find_handler(LayerSpec(runtime="python3.13"), ()) == ""
