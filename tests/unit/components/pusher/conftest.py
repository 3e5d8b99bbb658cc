from __future__ import annotations

from pathlib import Path

from tfx.dsl.io import fileio

from components.pusher.bucket_push import list_files

MANIFEST = "assets.extra/pushed_model.json"


def write_model(folder: Path, mark: str) -> Path:
    for name, content in {
        "saved_model.pb": b"graph " + mark.encode(),
        "variables/variables.data-00000-of-00001": mark.encode() * 50_000,
        "variables/variables.index": b"index",
        # Not `assets`: TensorFlow's file system in memory lists no folder `x` beside an `x.y`.
        "words/labels": "cs.LG\nmath.ÉT\n".encode(),
        "assets.extra/tf_serving_warmup_requests": b"",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def read_tree(folder: str) -> dict[str, bytes]:
    """The files that came from the model, by name; on a disk or in a bucket."""
    files = [name for name in list_files(folder) if name != MANIFEST]
    return {name: fileio.open(f"{folder}/{name}", "rb").read() for name in files}


def folders(base: str) -> list[str]:
    return sorted(fileio.listdir(base)) if fileio.exists(base) else []
