"""Reads Parquet with pyarrow, which only the extras install."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from schema.errors import BadInputError
from schema.row import Row, Source, typed_row
from schema.streams import Stream

_BATCH: Final = 1024
_BUFFER_BYTES: Final = 2**20


def open_parquet(stream: Stream) -> Source:
    """Reads the names of the columns.

    Raises:
        BadInputError: pyarrow is missing, or the file is packed or damaged.
    """
    if stream.packing:
        raise BadInputError(f"{stream.path}: is Parquet inside {stream.packing}. Unpack it first")
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BadInputError(
            f"{stream.path}: is Parquet. Reading it needs an extra: "
            "pip install 'arxiv-tagger[parquet]'"
        ) from error
    try:
        # Buffered, so that a large row group is not read at once.
        file = pyarrow.parquet.ParquetFile(stream.file, buffer_size=_BUFFER_BYTES)
    except (pyarrow.ArrowException, OSError) as error:
        raise _fault(stream.path, 1, error) from error
    return Source(file.schema_arrow.names, 1, partial(_rows, stream.path, file))


def _rows(path: str, file: Any, columns: Sequence[str]) -> Iterator[Row]:
    there = [name for name in columns if name in file.schema_arrow.names]
    number = 0
    try:
        for batch in file.iter_batches(_BATCH, columns=there):
            for record in batch.to_pylist():
                number += 1
                fields = tuple(str(record[name]) for name in there)
                yield typed_row(number, fields, {name: record.get(name) for name in columns})
    # Text that isn't UTF-8 raises UnicodeDecodeError; pyarrow's own errors are ValueErrors too.
    except (ValueError, OSError) as error:
        raise _fault(path, number + 1, error) from error
    if not number:
        raise BadInputError(f"{path}: has no rows")


def _fault(path: str, number: int, error: Exception) -> BadInputError:
    reason = str(error).partition("\n")[0]
    return BadInputError(f"{path}: the Parquet file can't be read from row {number} on ({reason})")
