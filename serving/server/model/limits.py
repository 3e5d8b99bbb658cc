"""How much of the requests is computed at the same time, so that none takes all the memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from serving.server.errors import invalid_argument, resource_exhausted
from serving.server.model.tensors import STRING_BYTES, Array

# A request of no more is let in at any time, and not counted.
SMALL_BYTES: Final = 16 * 1024


class Limits:
    """The limits of one server. TF Serving has none.

    A number counts its bytes, a string `STRING_BYTES` more than it has. With this project's
    models the memory of a computation is up to twenty times what is counted.
    """

    def __init__(self, max_string_bytes: int = 2**23, max_computing_bytes: int = 2**26) -> None:
        self._max_string_bytes = max_string_bytes
        self._max_computing_bytes = max_computing_bytes
        self._computing = 0
        # What has ended is given back by the thread that it ended in.
        self._lock = threading.Lock()

    def check(self, size: int) -> None:
        """Refuses what is never to be computed at once.

        Raises:
            ServingError: INVALID_ARGUMENT.
        """
        if size > self._max_computing_bytes:
            raise invalid_argument(
                f"The request is too large: it would take {size} bytes, and --max_computing_bytes "
                f"allows {self._max_computing_bytes}. Send it in parts."
            )

    def measure(self, inputs: Mapping[str, Array]) -> int:
        """Returns what a request counts.

        Raises:
            ServingError: INVALID_ARGUMENT: it, or one of its strings, is too large.
        """
        size = 0
        for array in inputs.values():
            if not array.dtype.hasobject:
                size += array.nbytes
                continue
            self.check(array.size * STRING_BYTES)
            for string in array.ravel().tolist():
                if len(string) > self._max_string_bytes:
                    raise invalid_argument(
                        f"A string of the request has {len(string)} bytes, and --max_string_bytes "
                        f"is {self._max_string_bytes}. Shorten it."
                    )
                size += STRING_BYTES + len(string)
        self.check(size)
        return size

    def take(self, size: int) -> int:
        """Counts a request as being computed, and returns what to give back when that has ended.

        Raises:
            ServingError: RESOURCE_EXHAUSTED: with the others it is too much.
        """
        if size <= SMALL_BYTES:
            return 0
        with self._lock:
            if self._computing + size > self._max_computing_bytes:
                raise resource_exhausted(
                    f"The request would take {size} bytes, and other requests have taken "
                    f"{self._computing} of the {self._max_computing_bytes} that "
                    "--max_computing_bytes allows. Try again."
                )
            self._computing += size
        return size

    def give_back(self, taken: int) -> None:
        """Counts a request as computed."""
        with self._lock:
            self._computing -= taken
