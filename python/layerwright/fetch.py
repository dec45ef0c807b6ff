"""Have every chosen wheel on this machine, with the hash that the lock file gives and judged sound."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from layerwright.cache import WheelCache
from layerwright.download import CONNECTIONS, BrokenTransferError, Downloader, OfflineError
from layerwright.errors import FetchError, LayerwrightError, WheelError, render_problems
from layerwright.indexes import OFFLINE_VARIABLE, Access
from layerwright.resolve import FileChoice, SdistChoice, WheelChoice
from layerwright.wheel import Wheel

ATTEMPTS = 3
"""How often a transfer may break off in the middle before its wheel is given up."""

_NO_SETTINGS = Access()


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """A judged wheel and the file that holds it."""

    path: Path
    wheel: Wheel
    built_from: str = ""
    """`project`, or the sdist's file name, where it was built here."""
    is_reproducible: bool = True
    """Whether every machine gets the same bytes."""


def fetch(
    choices: Sequence[WheelChoice | SdistChoice], cache: WheelCache, access: Access = _NO_SETTINGS
) -> tuple[WheelFile, ...]:
    """Return the file of each wheel of *choices*, in their order, from *cache* or else from where the lock file says.

    *access* says with which credentials, and whether anything may be downloaded at all. Raises `FetchError` naming
    every wheel that could not be had or is not what its hash promises, and `WheelError` if what came is no sound wheel;
    nothing of such a one stays in the cache.
    """
    wheels = [choice for choice in choices if isinstance(choice, WheelChoice)]
    if not wheels:
        return ()
    cache.sweep()
    with Downloader(access) as downloader, ThreadPoolExecutor(CONNECTIONS) as pool:

        def fetch_one(choice: WheelChoice) -> WheelFile | LayerwrightError:
            try:
                return _fetch(choice, cache, downloader)
            except LayerwrightError as e:
                return e

        results = list(pool.map(fetch_one, wheels))
    problems = [result for result in results if isinstance(result, LayerwrightError)]
    if problems:
        kind = WheelError if all(isinstance(problem, WheelError) for problem in problems) else FetchError
        missing = [choice for choice, result in zip(wheels, results, strict=True) if isinstance(result, OfflineError)]
        others = [str(problem) for problem in problems if not isinstance(problem, OfflineError)]
        raise kind(render_problems([*others, *([_explain_offline(missing, len(wheels), cache)] if missing else [])]))
    return tuple(result for result in results if isinstance(result, WheelFile))


def _fetch(choice: WheelChoice, cache: WheelCache, downloader: Downloader) -> WheelFile:
    if wheel := cache.find(choice.sha256):
        return WheelFile(path=cache.path(choice.sha256), wheel=wheel)
    with cache.lock(choice.sha256):
        if wheel := cache.find(choice.sha256):
            return WheelFile(path=cache.path(choice.sha256), wheel=wheel)
        from layerwright.wheel.judge import judge_wheel  # not needed where every wheel is in the cache

        with cache.new_part() as part:
            receive(choice, part, downloader)
            wheel = judge_wheel(part, filename=choice.filename, sha256=choice.sha256)
            cache.add(part, wheel)
    return WheelFile(path=cache.path(choice.sha256), wheel=wheel)


def receive(choice: FileChoice, part: Path, downloader: Downloader) -> None:
    """Write the chosen file to *part* and check its hash; a transfer that breaks off is begun again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            sha256, size = _copy(downloader.read(choice), part)
            break
        except BrokenTransferError:
            if attempt == ATTEMPTS:
                raise
        except OSError as e:
            raise FetchError(
                f"{choice.filename}: cannot be kept in {part.parent}: {e.strerror or e}: free space, or set "
                "LAYERWRIGHT_CACHE_DIR to another folder"
            ) from e
    if sha256 != choice.sha256:
        raise FetchError(
            f"{choice.filename}: what {downloader.describe(choice)} sent ({size} bytes) has SHA-256 {sha256}, the lock "
            f"file says {choice.sha256}: lock again if the index replaced the file, and ask why it did"
        )


def _explain_offline(missing: Sequence[WheelChoice], count: int, cache: WheelCache) -> str:
    """Which wheels an offline run lacks, the largest first, so that they can be brought in one go."""
    by_size = sorted(missing, key=lambda choice: (-(choice.size or 0), choice.filename))
    names = ", ".join(f"{choice.filename} ({_render_size(choice.size)})" for choice in by_size)
    total = sum(choice.size or 0 for choice in missing)
    known = f", {_render_size(total)} in all" if len(missing) > 1 and all(choice.size for choice in missing) else ""
    return (
        f"offline, and {len(missing)} of {count} wheels are not in the cache {cache.folder}{known}: {names}: run once "
        f"with the network (without offline and {OFFLINE_VARIABLE}), or set LAYERWRIGHT_CACHE_DIR to a cache that has "
        "them"
    )


def _render_size(size: int | None) -> str:
    return f"{size / 1024 / 1024:.1f} MB" if size else "size unknown"


def _copy(chunks: Iterator[bytes], part: Path) -> tuple[str, int]:
    """Write *chunks* to *part*; returns their SHA-256 and size."""
    sha256, size = hashlib.sha256(), 0
    with part.open("wb") as file:
        for chunk in chunks:
            sha256.update(chunk)
            file.write(chunk)
            size += len(chunk)
    return sha256.hexdigest(), size
