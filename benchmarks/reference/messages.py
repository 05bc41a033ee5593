"""The pipeline's messages, compiled into a temporary folder when they are first needed."""

from __future__ import annotations

import importlib
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("pipeline.proto")
PUSH = "/filial.reference.v1.Pipeline/Push"
SERVICE = "filial.reference.v1.Pipeline"


@lru_cache(maxsize=1)
def messages() -> Any:
    """The generated module."""
    from grpc_tools import protoc

    folder = tempfile.mkdtemp(prefix="filial-bench-")
    if protoc.main(["protoc", f"-I{SOURCE.parent}", f"--python_out={folder}", str(SOURCE)]) != 0:
        raise SystemExit("protoc failed; see above.")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("pipeline_pb2")
    finally:
        sys.path.remove(folder)


def varint(value: int) -> bytes:
    """A protobuf varint."""
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def join_rows(rows: list[bytes], last: int) -> bytes:
    """A Rows message of rows that were serialised before, joined without parsing."""
    parts: list[bytes] = []
    for row in rows:
        parts += (b"\x0a", varint(len(row)), row)
    parts += (b"\x10", varint(last))
    return b"".join(parts)
