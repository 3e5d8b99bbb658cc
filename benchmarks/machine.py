"""The machine and the versions of a measurement."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = (
    *("tensorflow", "keras", "tfx", "tensorflow-transform", "tensorflow-model-analysis"),
    *("apache-beam", "scikit-learn", "numpy", "grpcio", "starlette", "uvicorn"),
)


def describe_machine() -> dict[str, object]:
    """Returns the processor, its cores, the memory, and the versions of the main packages."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
