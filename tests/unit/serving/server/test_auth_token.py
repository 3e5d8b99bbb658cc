"""The file of the bearer token, and the header that brings it."""

import pytest

from schema.errors import UsageError
from serving.server.auth_token import brings_token, read_token_file


def test_a_token_is_read_without_the_white_space_around_it(tmp_path):
    (tmp_path / "token").write_bytes(b" s3cret==\r\n")
    assert read_token_file(tmp_path / "token") == b"s3cret=="


@pytest.mark.parametrize("content", [None, b"", b" \n", b"two words", "größe".encode()])
def test_a_file_without_a_token_is_refused(tmp_path, content):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=r"^The token file"):
        read_token_file(file)


@pytest.mark.parametrize(
    ("header", "brings"),
    [
        (b"Bearer s3cret", True),
        (b"bearer  s3cret ", True),
        (b"", False),
        (b"s3cret", False),
        (b"Basic s3cret", False),
        (b"Bearer", False),
        (b"Bearer s3cret2", False),
        ("Bearer größe".encode(), False),
    ],
)
def test_a_header_brings_the_token_or_not(header, brings):
    assert brings_token(header, b"s3cret") is brings
