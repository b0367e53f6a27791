"""Detect the end of an HTTP response."""

import re

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNKED = re.compile(rb"(?i)\r\ntransfer-encoding: *chunked")


def complete(received: bytearray) -> bytes | None:
    """Return the complete response, or None while part of it is missing."""
    head = received.find(b"\r\n\r\n")
    if head < 0:
        return None
    if _CHUNKED.search(received, 0, head):
        return bytes(received) if received.endswith(b"0\r\n\r\n") else None
    length = _LENGTH.search(received, 0, head)
    size = int(length[1]) if length else 0
    return bytes(received) if len(received) >= head + 4 + size else None
