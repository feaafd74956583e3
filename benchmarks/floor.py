"""The floor: what no tool in Python can go below. One process, one loop: parse each line, write it compressed.

Run as a process of its own (`floor.py INPUT... OUTPUT`), so that it pays for an interpreter's start-up as everybody does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import orjson
import zstandard

BUFFER_BYTES = 1 << 20
LEVEL = 3  # the level at which our tool writes


def main(arguments: Sequence[str]) -> int:
    """Parse every line of the inputs, write the lines to one zstd file, print the number of lines."""
    *inputs, output = arguments
    lines = 0
    with open(output, "wb", BUFFER_BYTES) as sink, zstandard.ZstdCompressor(level=LEVEL).stream_writer(sink) as writer:
        for path in inputs:
            with open(path, "rb", BUFFER_BYTES) as source:
                for line in source:
                    orjson.loads(line)
                    writer.write(line)
                    lines += 1
    print(lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
