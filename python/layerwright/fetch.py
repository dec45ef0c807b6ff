"""Have every chosen wheel on this machine, with the hash that the lock file gives and judged sound."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from layerwright.cache import WheelCache
from layerwright.download import Downloader
from layerwright.errors import FetchError, LayerwrightError, WheelError, render_problems
from layerwright.resolve import WheelChoice
from layerwright.wheel import Wheel

CONNECTIONS = 8
"""Downloads at a time: more gain nothing from one index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelFile:
    """A judged wheel and the file that holds it."""

    path: Path
    wheel: Wheel


def fetch(choices: Sequence[WheelChoice], cache: WheelCache) -> tuple[WheelFile, ...]:
    """Return the file of each of *choices*, in their order, from *cache* or else from where the lock file says.

    Raises `FetchError` naming every wheel that could not be had or is not what its hash promises, and `WheelError` if
    what came is no sound wheel; nothing of such a one stays in the cache.
    """
    if not choices:
        return ()
    downloader = Downloader()

    def fetch_one(choice: WheelChoice) -> WheelFile | LayerwrightError:
        try:
            return _fetch(choice, cache, downloader)
        except LayerwrightError as e:
            return e

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        results = list(pool.map(fetch_one, choices))
    problems = [result for result in results if isinstance(result, LayerwrightError)]
    if problems:
        kind = WheelError if all(isinstance(problem, WheelError) for problem in problems) else FetchError
        raise kind(render_problems(map(str, problems)))
    return tuple(result for result in results if isinstance(result, WheelFile))


def _fetch(choice: WheelChoice, cache: WheelCache, downloader: Downloader) -> WheelFile:
    if wheel := cache.find(choice.sha256):
        return WheelFile(path=cache.path(choice.sha256), wheel=wheel)
    with cache.lock(choice.sha256):
        if wheel := cache.find(choice.sha256):
            return WheelFile(path=cache.path(choice.sha256), wheel=wheel)
        with cache.new_part() as part:
            _receive(choice, part, downloader)
            part.close()
            wheel = _judge(choice, Path(part.name))
            cache.add(Path(part.name), wheel)
    return WheelFile(path=cache.path(choice.sha256), wheel=wheel)


def _receive(choice: WheelChoice, part: IO[bytes], downloader: Downloader) -> None:
    """Write the wheel to *part*, hashing it on its way."""
    sha256, size = hashlib.sha256(), 0
    for chunk in downloader.read(choice):
        sha256.update(chunk)
        part.write(chunk)
        size += len(chunk)
    if sha256.hexdigest() != choice.sha256:
        raise FetchError(
            f"{choice.filename}: what {downloader.describe(choice)} sent ({size} bytes) has SHA-256 "
            f"{sha256.hexdigest()}, the lock file says {choice.sha256}: lock again if the index replaced the file, and "
            "ask why it did"
        )


def _judge(choice: WheelChoice, path: Path) -> Wheel:
    from layerwright.wheel.judge import judge_wheel

    return judge_wheel(path, filename=choice.filename, sha256=choice.sha256)
