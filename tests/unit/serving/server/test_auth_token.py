"""The file of the bearer token, and the header that brings it."""

import pytest

from schema.errors import UsageError
from serving.server.auth_token import brings_token, read_token_file


def test_a_file_holds_one_word(tmp_path):
    file = tmp_path / "token"
    for content in (None, b" \n", b"two words", "größe".encode()):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(UsageError, match=r"^The token file"):
            read_token_file(file)
    file.write_bytes(b" s3cret==\r\n")
    assert read_token_file(file) == b"s3cret=="


def test_a_header_brings_the_token_or_not():
    for header in (b"Bearer s3cret", b"bearer  s3cret "):
        assert brings_token(header, b"s3cret")
    for header in (b"", b"s3cret", b"Basic s3cret", b"Bearer", "Bearer größe".encode()):
        assert not brings_token(header, b"s3cret")
