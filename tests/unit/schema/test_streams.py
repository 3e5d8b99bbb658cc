"""Files in every packing, told by their first bytes, and what is wrong with the others."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

from schema.errors import BadInputError
from schema.streams import Lines, open_stream
from tests.support.curation_oracle import noisy_rows, to_csv

TEXT = to_csv(noisy_rows(300, seed=4))


def zipped(*names, content=TEXT):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


PACKED = {
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": lambda content: zipped("papers.csv", content=content),
}


@pytest.fixture
def read(tmp_path):
    def read_lines(content):
        path = tmp_path / "papers.csv"
        path.write_bytes(content)
        with open_stream(str(path)) as stream:
            return "".join(Lines(stream))

    return read_lines


@pytest.fixture
def fault(read):
    def fault_of(content):
        with pytest.raises(BadInputError) as caught:
            read(content)
        return str(caught.value)

    return fault_of


@pytest.mark.parametrize("packing", PACKED)
def test_the_first_bytes_tell_the_packing(read, packing):
    assert read(PACKED[packing](TEXT)) == TEXT.decode()


def test_what_an_archive_holds_beside_its_one_file_is_no_file(read):
    assert read(zipped("papers/", "papers/a.csv", "__MACOSX/papers/._a.csv")) == TEXT.decode()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (zipped("a.csv", "b.csv"), "is a zip of 2 files. Unpack it, and give one of them"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "is a spreadsheet, not text"),
        (zipped("mimetype", "content.xml"), "is a spreadsheet, not text"),
        (b"\x28\xb5\x2f\xfd" + TEXT, "is packed with zstd. Unpack it first"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "is an old Excel or Word file"),
        (TEXT.decode().encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("é".encode("latin-1") + TEXT, "line 1: is not UTF-8 (byte 0xe9); save it as UTF-8"),
        (b"%PDF-1.4\n\xe9\0", "line 2: is not UTF-8 (byte 0xe9); this is not a text file"),
        (PACKED["zip"](TEXT)[:40], "the zip file is damaged"),
    ],
)
def test_other_forms_are_told_by_name_with_what_to_do(fault, content, told):
    assert told in fault(content)


@pytest.mark.parametrize("packing", ["gzip", "bz2", "xz"])
@pytest.mark.parametrize("cut", [15, -9, -4])
def test_a_packed_file_that_is_cut_short(fault, packing, cut):
    message = fault(PACKED[packing](TEXT)[:cut])
    assert "line " in message
    assert f"the {packing} file is cut short" in message


@pytest.mark.parametrize("packing", PACKED)
def test_damage_is_told_from_the_garbage_it_gives(fault, packing):
    whole = PACKED[packing](TEXT)
    for place in range(len(whole) // 4, len(whole) * 3 // 4, len(whole) // 8):
        damaged = whole[:place] + bytes(byte ^ 0x55 for byte in whole[place:][:4])
        assert f"the {packing} file is " in fault(damaged + whole[place + 4 :])


def test_a_wrong_checksum_is_damage(fault):
    assert "the gzip file is damaged (CRC" in fault(PACKED["gzip"](TEXT)[:-8] + bytes(8))
