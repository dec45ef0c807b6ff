"""Find a function's handler by parsing its sources, so that a wrong one fails in the plan, not at the first event."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from layerwright.errors import SpecError, render_problems
from layerwright.sources import SourceFile
from layerwright.spec import LayerSpec

USUAL_NAMES = ("lambda_handler", "handler")
"""What a handler is called where nobody says."""

_HANDLER = re.compile(r"(?P<module>[^\s.]+(?:[./][^\s.]+)*)\.(?P<callable>[A-Za-z_]\w*)")


def find_handler(spec: LayerSpec, sources: Sequence[SourceFile]) -> str:
    """Return the handler of a function, `module.callable`; empty for a layer.

    A given handler is checked: the module is among *sources* and binds the name to something that can be called.
    Without one, the only function of a usual name at the top of *sources* is taken. Raises `SpecError` saying what is
    there instead.
    """
    if spec.kind != "function" or (spec.handler is None and not sources):
        return ""
    modules = {file.path: file for file in sources if file.path.endswith(".py")}
    if spec.handler is None:
        return _discover(modules)
    if spec.check_handler:
        _check(spec.handler, modules)
    return spec.handler


def _check(handler: str, modules: dict[str, SourceFile]) -> None:
    parsed = _HANDLER.fullmatch(handler)
    if not parsed:
        raise SpecError(f"handler {handler!r} is not module.callable, such as app.lambda_handler")
    stem = parsed["module"].replace(".", "/")
    file = modules.get(f"{stem}.py") or modules.get(f"{stem}/__init__.py")
    if not file:
        near = [path for path in modules if path.rsplit("/", 1)[-1] == f"{stem.rsplit('/', 1)[-1]}.py"]
        near = near or get_close_matches(f"{stem}.py", modules, n=3)
        has = f"there is {', '.join(near)}" if near else f"there are {len(modules)} Python files, none of a like name"
        raise SpecError(
            f"handler {handler}: the function's sources have no {stem}.py ({has}): correct handler or sources, or set "
            "check_handler = false if a layer holds it"
        )
    names = _names(file)
    name = parsed["callable"]
    if name not in names:
        near = get_close_matches(name, names, n=1) or [n for n in USUAL_NAMES if n in names]
        raise SpecError(
            f"handler {handler}: {file.path} defines no {name}{f', but {near[0]}' if near else ''}: correct handler"
        )
    if names[name]:
        raise SpecError(
            f"handler {handler}: {name} in {file.path} is {names[name]}: name a function that takes (event, context)"
        )


def _discover(modules: dict[str, SourceFile]) -> str:
    found = [
        f"{path.removesuffix('.py')}.{name}"
        for path, file in modules.items()
        if "/" not in path
        for name, problem in _names(file).items()
        if name in USUAL_NAMES and not problem
    ]
    if len(found) == 1:
        return found[0]
    has = f"could be {', '.join(sorted(found))}" if found else f"no file at the top defines {' or '.join(USUAL_NAMES)}"
    raise SpecError(f"handler: not given, and {has}: set handler to module.callable")


def _names(file: SourceFile) -> dict[str, str]:
    """Names that a module binds, each with why it cannot be called; one binding that can, in some branch, is enough."""
    names: dict[str, str] = {}
    for name, problem in _bound_names(_parse(file)):
        names[name] = problem and names.get(name, problem)
    return names


def _parse(file: SourceFile) -> ast.Module:
    try:
        return ast.parse(file.origin.read_bytes(), filename=file.path)
    except SyntaxError as e:
        raise SpecError(f"{file.path} line {e.lineno}: {e.msg}: the function could not be imported") from e
    except (ValueError, RecursionError, MemoryError) as e:
        raise SpecError(render_problems([f"{file.path}: cannot be parsed: {e}"])) from e


def _bound_names(module: ast.AST) -> Iterator[tuple[str, str]]:
    """Each binding that importing the module makes, with why its value cannot be called, or nothing."""
    for node in ast.iter_child_nodes(module):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, ""
            case ast.AsyncFunctionDef(name=name, decorator_list=decorators):
                # A decorator may well turn it into something that Lambda can call.
                yield name, "" if decorators else "async, and Lambda's runtime does not await it"
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from ((alias.asname or alias.name.partition(".")[0], "") for alias in aliases)
            case ast.Assign(targets=targets, value=value):
                yield from ((t.id, _why_not_callable(value)) for target in targets for t in _names_in(target))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, _why_not_callable(value)
            case ast.If() | ast.Try() | ast.With() | ast.ExceptHandler() | ast.For() | ast.While():
                yield from _bound_names(node)


def _names_in(target: ast.expr) -> Iterator[ast.Name]:
    return (node for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


def _why_not_callable(value: ast.expr) -> str:
    literal = (
        ast.Constant,
        ast.JoinedStr,
        ast.List,
        ast.Tuple,
        ast.Set,
        ast.Dict,
        ast.ListComp,
        ast.DictComp,
        ast.SetComp,
    )
    return "not something that can be called" if isinstance(value, literal) else ""
