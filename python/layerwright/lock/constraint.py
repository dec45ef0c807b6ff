"""Poetry's version constraints in terms of PEP 440: python-poetry.org/docs/dependency-specification/."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from layerwright.errors import LockError

_TERM = re.compile(r"(?P<operator>\^|~=|~|===|==|!=|<=|>=|<|>|=)?\s*(?P<version>[^\s,^~=!<>|]+)")


def parse_constraint(text: str) -> tuple[SpecifierSet, ...]:
    """Return what `>=1.2,<2 || ^3.1` admits: a version that one of these admits; `*` admits all.

    Raises `LockError` where it is no constraint; the text does not say where.
    """
    try:
        return tuple(SpecifierSet(",".join(_terms(part)), prereleases=True) for part in re.split(r"\|\|?", text))
    except (InvalidSpecifier, InvalidVersion) as e:
        raise LockError(f"{text!r} is no version constraint") from e


def parse_python(text: str) -> SpecifierSet | None:
    """The Python versions of a constraint, if one specifier says them; None where all will do or several are needed."""
    admitted = parse_constraint(text)
    return admitted[0] if len(admitted) == 1 and str(admitted[0]) else None


def _terms(text: str) -> list[str]:
    terms = [_term(found["operator"] or "", found["version"]) for found in _TERM.finditer(text)]
    if not terms:
        raise InvalidSpecifier(text)
    return [term for term in terms if term]


def _term(operator: str, version: str) -> str:
    if version == "*":
        return ""
    if operator in ("^", "~"):
        lower = Version(version)
        kept = _caret(lower.release) if operator == "^" else lower.release[: min(len(lower.release), 2)]
        upper = ".".join(map(str, (*kept[:-1], kept[-1] + 1)))
        return f">={version},<{upper}"
    return f"{'==' if operator in ('', '=') else operator}{version}"


def _caret(release: tuple[int, ...]) -> tuple[int, ...]:
    """What `^` keeps but for its last number, which may grow: up to the first that is not zero."""
    first = next((place for place, number in enumerate(release) if number), len(release) - 1)
    return release[: first + 1]
