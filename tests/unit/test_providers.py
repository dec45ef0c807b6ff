"""tools/providers.py: where Terraform's providers come from."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.terraform import load_tool

providers: Any = load_tool("providers")

HERE = providers.platform_name()
REGISTRY = "registry.terraform.io"
OPENTOFU = "registry.opentofu.org"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there the stand-in is refused")


def add_provider(mirror: Path, name: str, version: str, platform: str = HERE) -> Path:
    """Put a provider into *mirror* unpacked; returns its folder."""
    folder = mirror / REGISTRY / name / version / platform
    folder.mkdir(parents=True)
    (folder / f"terraform-provider-{Path(name).name}_v{version}").write_text("")
    return folder


@contextlib.contextmanager
def serve(status: int, body: bytes) -> Iterator[str]:
    """A server that answers every request with *body*; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/.well-known/terraform.json"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "answers"),
    [
        (200, b'{"modules.v1": "/v1/modules/", "providers.v1": "/v1/providers/"}', True),
        (200, b"<html>Please log in to this network</html>", False),
        (200, b"[]", False),
        (200, b"1", False),
        (403, b'{"providers.v1": "/v1/providers/"}', False),
        (404, b"", False),
    ],
)
def test_only_a_discovery_document_is_an_answer_of_the_registry(status: int, body: bytes, answers: bool) -> None:
    """A captive portal or a proxy's refusal must not make every `terraform init` fail."""
    with serve(status, body) as url:
        assert providers.registry_answers(url) is answers


def test_a_silent_registry_does_not_answer() -> None:
    """Networks that drop packets are the usual case where only package registries answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert not providers.registry_answers(url, seconds=0.2)


def test_nobody_there_is_no_answer() -> None:
    """Without a network the probe must end quietly."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert not providers.registry_answers(f"http://127.0.0.1:{port}/")


def test_with_the_registry_everything_comes_from_it(tmp_path: Path) -> None:
    """The genuine providers, downloaded once into a cache that all working directories share."""
    text = providers.render_configuration(providers.Providers(from_registry=True), tmp_path)
    assert "direct {}" in text
    assert "filesystem_mirror" not in text
    assert f'plugin_cache_dir = "{tmp_path.as_posix()}"' in text


def test_mirrors_are_found_where_they_were_named_and_where_they_usually_are(tmp_path: Path) -> None:
    """A machine without the registry has its providers in one of these places."""
    named, system, home, data = (tmp_path / name for name in ("named", "system", "home", "data"))
    named.mkdir()
    (system / "plugins" / REGISTRY).mkdir(parents=True)
    (system / "deeper" / "than-one" / REGISTRY).mkdir(parents=True)
    (system / "other" / "folder").mkdir(parents=True)
    implied = home / ".terraform.d" / "plugins"
    implied.mkdir(parents=True)
    environment = {
        "LAYERWRIGHT_PROVIDER_MIRRORS": f"{named}",
        "HOME": str(home),
        "XDG_DATA_HOME": str(data),
        "XDG_DATA_DIRS": str(data),
    }
    expected = [named, implied, system / "plugins"]
    if sys.platform == "linux":
        (data / "terraform" / "plugins").mkdir(parents=True)
        expected.insert(2, data / "terraform" / "plugins")
    assert providers.find_mirrors(environment, [str(system), str(tmp_path / "none")]) == expected


def test_a_named_mirror_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A typing error would otherwise look like a missing provider, minutes later."""
    with pytest.raises(providers.ProvidersError, match="gone"):
        providers.find_mirrors({"LAYERWRIGHT_PROVIDER_MIRRORS": str(tmp_path / "gone")}, [])


def test_the_genuine_external_provider_is_always_used(tmp_path: Path) -> None:
    """The stand-in is for where nothing else can be had."""
    add_provider(tmp_path / "mirror", "hashicorp/external", "2.3.4")
    found = providers.find_in_mirrors([tmp_path / "mirror"], tmp_path / "own")
    assert not found.has_stand_in
    assert not (tmp_path / "own" / REGISTRY).exists()
    assert not any("stand-in" in line for line in providers.describe(found))


def test_the_stand_in_is_used_where_there_is_none_and_says_so(tmp_path: Path) -> None:
    """Whoever reads a green test run must know what it ran with."""
    add_provider(tmp_path / "mirror", "hashicorp/aws", "5.100.0")
    add_provider(tmp_path / "mirror", "hashicorp/external", "2.3.4", platform="plan9_mips")
    found = providers.find_in_mirrors([tmp_path / "mirror"], tmp_path / "own")
    assert found.has_stand_in
    executable = tmp_path / "own" / REGISTRY / f"hashicorp/external/2.3.5/{HERE}/terraform-provider-external_v2.3.5"
    assert executable.stat().st_mode & 0o111 == 0o111
    assert any("stand-in" in line for line in providers.describe(found))


def test_a_genuine_provider_found_later_takes_the_stand_in_away(tmp_path: Path) -> None:
    """OpenTofu takes the newest version in a mirror, which a forgotten stand-in could be."""
    providers.find_in_mirrors([], tmp_path / "own")
    genuine = add_provider(tmp_path / "mirror", "hashicorp/external", "2.3.4")
    providers.find_in_mirrors([tmp_path / "mirror"], tmp_path / "own")
    folders = [folder for folder in (tmp_path / "own").glob("*/*/*/*/*") if folder.is_symlink() or folder.is_dir()]
    assert folders == [tmp_path / "own" / OPENTOFU / "hashicorp/external/2.3.4" / HERE]
    assert folders[0].readlink() == genuine


def test_opentofu_is_offered_the_same_providers(tmp_path: Path) -> None:
    """OpenTofu looks for hashicorp/aws under a registry of its own; the plugin is the same."""
    folder = add_provider(tmp_path / "mirror", "hashicorp/aws", "5.100.0")
    providers.find_in_mirrors([tmp_path / "mirror"], tmp_path / "own")
    assert (tmp_path / "own" / OPENTOFU / "hashicorp/aws/5.100.0" / HERE).resolve() == folder.resolve()


def test_each_provider_is_taken_from_the_mirror_that_has_it(tmp_path: Path) -> None:
    """Terraform asks every source whose include matches, and fails on one that has nothing."""
    add_provider(tmp_path / "one", "hashicorp/aws", "5.100.0")
    add_provider(tmp_path / "two", "hashicorp/external", "2.3.5")
    found = providers.find_in_mirrors([tmp_path / "one", tmp_path / "two"], tmp_path / "own")
    text = providers.render_configuration(found, tmp_path / "cache")
    assert f'path    = "{(tmp_path / "one").as_posix()}"\n    include = ["{REGISTRY}/hashicorp/aws"]' in text
    assert f'path    = "{(tmp_path / "two").as_posix()}"\n    include = ["{REGISTRY}/hashicorp/external"]' in text
    excluded = ", ".join(f'"{host}/hashicorp/{name}"' for host in (OPENTOFU, REGISTRY) for name in ("aws", "external"))
    assert f"direct {{\n    exclude = [{excluded}]" in text


def test_the_cache_is_for_what_terraform_would_unpack_again_and_again(tmp_path: Path) -> None:
    """An unpacked provider is linked into a working directory, a packed one is copied: 700 MB of hashicorp/aws each."""
    add_provider(tmp_path / "unpacked", "hashicorp/external", "2.3.5")
    packed = tmp_path / "packed" / REGISTRY / "hashicorp" / "aws"
    packed.mkdir(parents=True)
    (packed / f"terraform-provider-aws_5.100.0_{HERE}.zip").write_bytes(b"")

    linked = providers.find_in_mirrors([tmp_path / "unpacked"], tmp_path / "own")
    assert "plugin_cache_dir" not in providers.render_configuration(linked, tmp_path / "cache")

    both = providers.find_in_mirrors([tmp_path / "unpacked", tmp_path / "packed"], tmp_path / "own")
    assert {(package.provider, package.version) for package in both.packages if package.mirror.name == "packed"} == {
        (f"{REGISTRY}/hashicorp/aws", "5.100.0")
    }
    assert "plugin_cache_dir" in providers.render_configuration(both, tmp_path / "cache")


def test_no_aws_provider_is_said_with_what_to_do(tmp_path: Path) -> None:
    """There is no stand-in for it, and `terraform init` would only say that a registry cannot be reached."""
    found = providers.find_in_mirrors([], tmp_path / "own")
    assert any("hashicorp/aws" in line and "LAYERWRIGHT_PROVIDER_MIRRORS" in line for line in providers.describe(found))
