"""Memory that goes back to the system."""

from __future__ import annotations

import ctypes
import weakref
from types import SimpleNamespace

import pytest

from components.memory import release_memory


class Node:
    """Something that refers to itself, which only the garbage collector finds."""

    def __init__(self):
        self.me = self


@pytest.mark.parametrize("library", ["glibc", "another"])
def test_garbage_goes_whatever_the_c_library(monkeypatch, library):
    if library == "another":
        monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    node = Node()
    seen = weakref.ref(node)
    del node
    assert seen() is not None
    release_memory()
    assert seen() is None


def test_free_pages_are_trimmed(monkeypatch):
    asked = []
    library = SimpleNamespace(malloc_trim=lambda kept: asked.append(kept))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    release_memory()
    assert asked == [0]
