"""Which user name and password go with a URL, found the way uv finds them.

First what is known: in the URL itself, with an index on the same host, in netrc. Only when the host refuses, what has
to be asked for: uv's own store (`uv auth login`), then the command `keyring`. A host is the same if scheme, name and
port are. Source: docs.astral.sh/uv/concepts/authentication/http.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from threading import Lock
from urllib.parse import SplitResult, unquote, urlsplit

from layerwright.errors import LockError
from layerwright.indexes import Access, Index

ASK_SECONDS = 60.0
"""For uv or keyring to answer; a keyring of a cloud may have to fetch a token first."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Credentials, and where they come from."""

    user: str
    password: str | None = field(default=None, repr=False)
    origin: str

    @property
    def headers(self) -> dict[str, str]:
        """The header that says them (RFC 7617)."""
        encoded = base64.b64encode(f"{self.user}:{self.password or ''}".encode()).decode()
        return {"Authorization": f"Basic {encoded}"}


class Credentials:
    """Finds credentials; several threads may share it, and nobody is asked twice for one index."""

    def __init__(self, access: Access) -> None:
        self._indexes = access.indexes
        self._keyring = access.keyring
        self._asked: dict[tuple[str, str], Login | None] = {}
        self._asking = Lock()

    def find(self, url: str) -> Login | None:
        """What is known for *url*; a password may be missing."""
        parts = urlsplit(url)
        user, password = unquote(parts.username or ""), parts.password
        if password is not None:
            return Login(user=user, password=unquote(password), origin="its URL in the lock file")
        index = self._index(parts, user)
        if asked := self._asked.get(_question(parts, index, user)):
            return asked
        if index and index.password is not None:
            return Login(user=index.user, password=index.password, origin=index.origin)
        if found := _find_in_netrc(parts.hostname or "", user):
            return found
        if index and index.user:
            return Login(user=index.user, origin=index.origin)
        return Login(user=user, origin="its URL in the lock file") if user else None

    def ask(self, url: str, known: Login | None) -> Login | None:
        """What uv's store or a keyring has for *url*, of which only *known* is known."""
        if known and known.password is not None:
            return None
        parts = urlsplit(url)
        user = known.user if known else ""
        index = self._index(parts, user)
        question = _question(parts, index, unquote(parts.username or ""))
        with self._asking:
            if question not in self._asked:
                self._asked[question] = _ask_uv(_bare(parts)) or (
                    _ask_keyring(parts, index, user) if self._keyring and user else None
                )
            return self._asked[question]

    def _index(self, parts: SplitResult, user: str) -> Index | None:
        """The index on the same host whose path has most in common with the URL's, if it says anything for *user*."""
        best, best_length = None, -1
        for index in self._indexes:
            other = urlsplit(index.url)
            says = index.password is not None or index.user
            if not says or _realm(other) != _realm(parts) or user not in ("", index.user):
                continue
            length = _common_length(parts.path.split("/"), other.path.rstrip("/").split("/"))
            if length > best_length:
                best, best_length = index, length
        return best


def _common_length(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts of two paths are the same before the first that is not."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _realm(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def _question(parts: SplitResult, index: Index | None, user: str) -> tuple[str, str]:
    """What files share the answer: those of one index, else those of one host."""
    return (index.url if index else "|".join(map(str, _realm(parts)))), user


def _bare(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _find_in_netrc(host: str, user: str) -> Login | None:
    import netrc

    # Named, since Python refuses the default one where others may read it, and says nothing of that.
    path = os.environ.get("NETRC") or os.path.expanduser("~/_netrc" if os.name == "nt" else "~/.netrc")  # noqa: PTH111
    try:
        entry = netrc.netrc(path).authenticators(host) if host else None
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None
    if not entry or user not in ("", entry[0]):
        return None
    return Login(user=entry[0], password=entry[2] or "", origin="netrc")


def _ask_uv(url: str) -> Login | None:
    """What `uv auth login` has stored for *url*; uv itself knows where, and which of its entries fits."""
    from layerwright.lock.command import UvError, run_uv

    command = ["auth", "helper", "--protocol", "bazel", "get", "--no-config", "--preview-features", "auth-helper"]
    try:
        answer = run_uv(
            command, folder=Path.cwd(), timeout=ASK_SECONDS, stdin=json.dumps({"uri": url}), asks_index=True
        )
        header = json.loads(answer)["headers"]["Authorization"][0]
        scheme, _, encoded = header.partition(" ")
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (UvError, LockError, ValueError, KeyError, IndexError, TypeError, binascii.Error):
        return None  # an older uv has no such command
    return Login(user=user, password=password, origin="uv auth") if scheme == "Basic" else None


def _ask_keyring(parts: SplitResult, index: Index | None, user: str) -> Login | None:
    """The password that the command `keyring` has for the index, or else for its host, as uv calls it."""
    for service in dict.fromkeys([index.url if index else _bare(parts), parts.netloc.rpartition("@")[2]]):
        try:
            done = subprocess.run(
                ["keyring", "get", service, user],  # noqa: S607 — that of PATH, as for uv
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=ASK_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        password = done.stdout.decode(errors="replace").rstrip("\r\n")
        if done.returncode == 0 and password:
            return Login(user=user, password=password, origin="keyring")
    return None
