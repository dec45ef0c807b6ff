"""Reading requirements files and all that they include."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from layerwright.errors import LockError
from layerwright.lock.requirements import RequirementText, read_requirement_text
from support.wheels import make_wheel, sha256_of

A, B = "a" * 64, "b" * 64


def read(folder: Path, text: str, **files: str) -> RequirementText:
    """Read *text* as requirements.txt, beside `{name}.txt` of *files*."""
    for name, contents in {"requirements": text, **files}.items():
        (folder / f"{name}.txt").write_bytes(contents.encode())
    return read_requirement_text(folder / "requirements.txt")


def texts(read: RequirementText) -> list[str]:
    return [line.text for line in read.requirements]


def test_comments_continuations_and_spaces_are_nothing(tmp_path: Path) -> None:
    """Files made by pip-compile are full of them."""
    found = read(
        tmp_path,
        '# by pip-compile\n\norders[fast]==1.2 \\\n  ; python_version \\\n < "3.12"  # old\n# \\\n\n   shop   >=2 #x\n',
    )

    assert texts(found) == ['orders[fast]==1.2 ; python_version < "3.12"', "shop >=2"]


def test_hashes_are_taken_off_and_kept(tmp_path: Path) -> None:
    """Two of them, as there are two wheels; upper case is the same digest."""
    found = read(
        tmp_path,
        f"orders==1.2 \\\n    --hash=sha256:{A} \\\n    --hash sha256:{B.upper()}\n    # via shop\n"
        f"shop==2.0 --hash=sha256:{B}\n",
    )

    assert texts(found) == ["orders==1.2", "shop==2.0"]
    assert found.hashes == {"orders": {A, B}, "shop": {B}}


def test_included_files_are_read_in_place_and_relative_to_the_file(tmp_path: Path) -> None:
    """pip's rule: a path in a file is relative to that file."""
    (tmp_path / "more" / "deep").mkdir(parents=True)
    (tmp_path / "more" / "base.txt").write_text("-r deep/all.txt\nshop\n-c deep/limits.txt\n")
    (tmp_path / "more" / "deep" / "all.txt").write_text("stock\n--requirement=../base.txt\n")
    (tmp_path / "more" / "deep" / "limits.txt").write_text("shop<3\n")

    found = read(tmp_path, "orders\n-rmore/base.txt\nlast\n")

    assert texts(found) == ["orders", "stock", "shop", "last"]
    assert [line.text for line in found.constraints] == ["shop<3"]
    assert [line.where for line in found.requirements] == [
        "requirements.txt:1",
        "all.txt:1",
        "base.txt:2",
        "requirements.txt:3",
    ]


@pytest.mark.parametrize(
    "same",
    [
        b"\xef\xbb\xbforders==1.2\r\nshop>=2\r\n",
        b"# a comment\norders==1.2   \n\n\nshop>=2 # another\n",
        b"orders==\\\n1.2\nshop>=2",
        b"-r rest.txt\n",
        "orders==1.2\nshop>=2\n".encode("utf-16"),
    ],
)
def test_the_digest_sees_what_is_asked_for_and_nothing_else(tmp_path: Path, same: bytes) -> None:
    """Line ends of Windows or a comment must not resolve anew, and give everyone other versions."""
    (tmp_path / "rest.txt").write_text("orders==1.2\nshop>=2\n")
    (tmp_path / "requirements.txt").write_bytes(same)

    assert read_requirement_text(tmp_path / "requirements.txt").canonical == ("orders==1.2", "shop>=2")


def test_what_is_asked_for_changes_the_digest(tmp_path: Path) -> None:
    first = read(tmp_path, "orders\n-c limits.txt\n", limits="shop<3\n").canonical

    assert read(tmp_path, "orders\n-c limits.txt\n", limits="shop<4\n").canonical != first
    assert read(tmp_path, "orders\nshop<3\n").canonical != first
    assert read(tmp_path, "orders\n-c limits.txt\n--pre\n", limits="shop<3\n").canonical != first
    assert read(tmp_path, "orders\n-c limits.txt\n--no-index\n", limits="shop<3\n").canonical != first


def test_credentials_are_kept_for_uv_alone(tmp_path: Path) -> None:
    """The digest and every message go to places that others read."""
    found = read(
        tmp_path,
        "-i https://me:p@ss@index.example/simple/\n--extra-index-url=https://tok:${TOKEN}@index.example/more/\norders\n"
        "https://me:pass@index.example/shop-2.0-py3-none-any.whl\n",
    )

    assert found.index_options == (
        "--index-url https://me:p@ss@index.example/simple/",
        "--extra-index-url https://tok:${TOKEN}@index.example/more/",
    )
    assert found.canonical == (
        "--index-url https://index.example/simple/",
        "--extra-index-url https://index.example/more/",
        "orders",
        "shop @ https://index.example/shop-2.0-py3-none-any.whl",
    )


def test_of_several_index_urls_the_last_holds(tmp_path: Path) -> None:
    """As with pip; uv would refuse two."""
    found = read(tmp_path, "-i https://one.example/\n-r more.txt\norders\n", more="--index-url https://two.example/\n")

    assert found.index_options == ("--index-url https://two.example/",)


def test_wheels_of_this_machine_enter_the_digest_by_their_contents(tmp_path: Path) -> None:
    """Another build of one's own wheel under the same name must give another layer; another checkout must not."""
    (tmp_path / "more").mkdir()
    wheel = make_wheel(tmp_path / "more" / "wheels", "orders", "1.2")
    (tmp_path / "more" / "own.txt").write_text("./wheels/orders-1.2-py3-none-any.whl[fast] ; python_version > '3'\n")

    found = read(tmp_path, "-r more/own.txt\n")

    assert found.canonical == (f"orders[fast] @ sha256:{sha256_of(wheel)} ; python_version > '3'",)
    assert texts(found) == [f"orders[fast] @ {wheel.as_uri()} ; python_version > '3'"]


@pytest.mark.parametrize(
    ("line", "pinned"),
    [
        ("orders==1.2", True),
        ("orders===1.2", True),
        ("orders[fast] == 1.2 ; python_version > '3'", True),
        ("https://index.example/orders-1.2-py3-none-any.whl", True),
        ("orders", False),
        ("orders==1.*", False),
        ("orders>=1.2", False),
        ("orders~=1.2", False),
    ],
)
def test_what_is_pinned_is_known(tmp_path: Path, line: str, pinned: bool) -> None:
    assert read(tmp_path, f"{line}\n").pinned == ({"orders"} if pinned else set())


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("-e ../lib", "--editable ../lib: is a folder of source code: give that folder in sources instead"),
        ("../lib", "../lib: is no wheel: publish it as a wheel to an index, or give its folder in sources"),
        ("./lib-1.0.tar.gz", "is no wheel"),
        ("git+https://me:secret@git.example/lib.git@main", "git+https://git.example/lib.git@main: is no wheel"),
        ("lib @ git+https://git.example/lib.git", "is no wheel"),
        ("lib @ https://index.example/lib-1.0.tar.gz", "is no wheel"),
        ("lib @ https://index.example/orders-1.2-py3-none-any.whl", "is a wheel of orders, not of lib"),
        ("./orders-1.2-py3-none-any.whl", "there is no such file: build it first"),
        ("./orders.whl", "has no usable file name"),
        ("orders==", "orders==: is no requirement: "),
        ("orders 1.2", "orders 1.2: is no requirement: "),
        ("orders ; " + "(" * 5000, "is no requirement: "),
        ("--no-binary orders", "--no-binary: what is to be built is named in build_from_source"),
        ("--frobnicate", "--frobnicate: is no option that a requirements file has"),
        ("-i", "--index-url: lacks its value"),
        ("--pre=yes", "--pre: takes no value"),
        ("-r https://me:secret@index.example/base.txt", "--requirement takes a file here, not a URL"),
        ("-r missing.txt", "missing.txt: there is no such file in "),
        ("-c .", "is a folder, not a lock file"),
        ("orders==1.2 --hash=sha256:abc", "--hash=sha256:abc: is not a sha256 of 64 hex digits"),
        ("orders==1.2 --hash=md5:0123", "is locked with no sha256 (only md5): lock again"),
        ("orders==1.2 --global-option=x", "--global-option: is no option that a requirement has here"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: str, what: str) -> None:
    """File, line, what is wrong and what to write in its place; never a credential."""
    with pytest.raises(LockError) as refused:
        read(tmp_path, f"shop==2.0\n\n{line}\n")

    assert str(refused.value).startswith("requirements.txt:3: ")
    assert what in str(refused.value)
    assert "secret" not in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.skipif(sys.platform == "win32", reason="Windows needs a privilege for symbolic links")
def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.txt").symlink_to("loop.txt")

    with pytest.raises(LockError, match=r"^requirements.txt:1: loop.txt: cannot be read: "):
        read(tmp_path, "-r loop.txt\n")


def test_all_lines_that_cannot_be_used_are_named_together(tmp_path: Path) -> None:
    """A person mends them in one go."""
    with pytest.raises(LockError) as refused:
        read(tmp_path, "-e .\n-r more.txt\n", more="orders==\nshop\n../lib\n")

    assert [part.partition(" ")[0] for part in str(refused.value).split("; ")] == [
        "requirements.txt:1:",
        "more.txt:1:",
        "more.txt:3:",
    ]


@pytest.mark.parametrize("text", ["# nothing yet\n", "-c limits.txt\n"])
def test_a_file_that_asks_for_nothing_is_refused(tmp_path: Path, text: str) -> None:
    """A layer without contents is a mistake, such as a file that was never filled in."""
    with pytest.raises(
        LockError, match=r"^requirements.txt: names no distribution: add one, or leave dependencies out$"
    ):
        read(tmp_path, text, limits="shop<3\n")


def test_one_hash_asks_for_hashes_everywhere(tmp_path: Path) -> None:
    """As with pip: one distribution that anybody may replace undoes the care taken with all others."""
    with pytest.raises(LockError) as refused:
        read(tmp_path, f"orders==1.2 --hash=sha256:{A}\nshop==2.0\nstock>=1 --hash=sha256:{B}\n")

    assert str(refused.value) == (
        "requirements.txt:2: shop has no --hash=sha256:…: lock again with hashes for all; "
        "requirements.txt:3: stock has hashes and no version: pin it with =="
    )


def test_hashes_can_be_asked_for_by_option(tmp_path: Path) -> None:
    with pytest.raises(LockError, match=r"^requirements.txt:2: orders has no --hash=sha256"):
        read(tmp_path, "--require-hashes\norders==1.2\n")


def test_a_large_file_is_read_in_bounded_time(tmp_path: Path) -> None:
    """20 000 lines in well under the patience of a plan; nothing in it may take the square of that."""
    found = read(tmp_path, "".join(f"package-{i}==1.{i} \\\n    --hash=sha256:{i:064x}\n" for i in range(20_000)))

    assert len(found.hashes) == 20_000
