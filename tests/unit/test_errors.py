"""Messages: one line, short, without secrets."""

from __future__ import annotations

from layerwright.errors import MESSAGE_LIMIT, FetchError, LayerwrightError, describe_bug, render_message


def test_a_message_is_one_printable_line() -> None:
    """Terraform shows one line, and a terminal must not obey what a server put into an error."""
    assert str(FetchError("first\nsecond\x1b[31m red\r\n")) == "first second [31m red"


def test_a_message_has_no_credentials_of_a_url() -> None:
    """stderr goes to CI logs that many can read."""
    text = render_message("https://aws:s3c@r3t@index.example/simple and http://token@other.example/x")

    assert text == "https://index.example/simple and http://other.example/x"


def test_a_message_has_a_bounded_length() -> None:
    assert len(render_message("é" * 9000).encode()) <= MESSAGE_LIMIT


def test_each_kind_of_error_has_the_documented_exit_code() -> None:
    """Scripts tell a missing wheel from a missing bucket by the code alone."""

    def below(kind: type[LayerwrightError]) -> set[type[LayerwrightError]]:
        return {kind}.union(*(below(sub) for sub in kind.__subclasses__()))

    codes = {kind.__name__: kind.exit_code for kind in below(LayerwrightError)}
    expected = {
        "LayerwrightError": 70, "SpecError": 2, "LockError": 3, "ResolutionError": 4, "FetchError": 5, "WheelError": 5,
        "LimitError": 6, "StoreError": 7,
    }  # fmt: skip
    assert codes | expected == codes


def test_a_bug_says_where_it_is() -> None:
    try:
        raise KeyError("x")
    except KeyError as e:
        text = describe_bug(e)

    assert text.startswith("layerwright: a bug, please report it: KeyError: 'x' (test_errors.py:")
