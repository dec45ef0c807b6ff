"""How the stages of judging say what is wrong: all problems of a stage at once, as text without the wheel's name."""

from __future__ import annotations

from collections.abc import Iterable

from layerwright.errors import render_problems

_SHOWN = 5
_LABEL_LIMIT = 120


class Unsound(Exception):  # noqa: N818 - it is a verdict, and never leaves this package
    """The problems that a stage found; `judge_wheel` makes a `WheelError` of them.

    *advice* says what to do where pinning another version is not the way out.
    """

    def __init__(self, *problems: str, advice: str = "") -> None:
        self.advice = advice
        shown = list(problems[:_SHOWN])
        if len(problems) > _SHOWN:
            shown.append(f"and {len(problems) - _SHOWN} more problems")
        super().__init__(render_problems(shown))


def refuse(problems: Iterable[str]) -> None:
    """Raise `Unsound` if there are *problems*."""
    if found := list(problems):
        raise Unsound(*found)


def label(path: str | bytes) -> str:
    """*path* as messages show it: in printable characters only and not too long."""
    text = path.decode("utf-8", "backslashreplace") if isinstance(path, bytes) else path
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return text if len(text) <= _LABEL_LIMIT else f"{text[:_LABEL_LIMIT]}… ({len(text)} characters)"
