"""A digest stands for the names, contents and order of files."""

import io

from components.file_digest import digest_files


def test_any_difference_changes_the_digest():
    lists = [
        [("a", b"same"), ("b", b"same")],
        [("a", b"same")],
        [("b", b"same"), ("a", b"same")],
        [("a", b"same"), ("ab", b"same")],
        [("a", b"sane"), ("b", b"same")],
        [("a", b"samesame"), ("b", b"")],
    ]
    digests = [
        digest_files([name for name, _ in files], lambda name, files=files: _open(files, name))
        for files in [*lists, lists[0]]
    ]
    assert digests.pop() == digests[0]
    assert len(set(digests)) == len(lists)


def _open(files, name):
    return io.BytesIO(dict(files)[name])
