"""The extent of one CBOR item, checked before a decoder sees it (RFC 8949; CTAP 2.1 §8, "CTAP2 canonical CBOR").

cbor2 decodes far more than authenticators send: tags that build regular expressions, emails and decimals, and nesting up to 400
levels. It also ignores bytes after the item.
"""

_MAX_DEPTH, _MAX_ITEMS = 4, 1000
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_ONE_BYTE_ARGUMENT, _EIGHT_BYTE_ARGUMENT = 24, 27


class InvalidCbor(ValueError):
    """The bytes are no item, or none that authenticators send: with a tag, of indefinite length, large or nested deeply."""


def get_end(data: bytes, start: int = 0) -> int:
    """Return the position after the item that begins at `start`. Raises InvalidCbor."""
    open_items = [1]  # the number of items left to read at each level of nesting
    position = start
    items = 0
    while open_items:
        if not open_items[-1]:
            open_items.pop()
            continue
        open_items[-1] -= 1
        items += 1
        major, argument, position = _read_head(data, position)
        if major in {_BYTES, _TEXT}:
            position += argument
        elif major in {_ARRAY, _MAP}:
            open_items.append(argument * (2 if major == _MAP else 1))
        if major == _TAG or position > len(data) or len(open_items) > _MAX_DEPTH + 1 or items > _MAX_ITEMS:
            raise InvalidCbor
    return position


def _read_head(data: bytes, position: int) -> tuple[int, int, int]:
    """Return the major type, the argument and the position after both (RFC 8949 §3)."""
    if position >= len(data):
        raise InvalidCbor
    major, info = divmod(data[position], 32)
    position += 1
    if info < _ONE_BYTE_ARGUMENT:
        return major, info, position
    if info > _EIGHT_BYTE_ARGUMENT:
        raise InvalidCbor
    length = 1 << (info - _ONE_BYTE_ARGUMENT)
    argument = data[position : position + length]
    if len(argument) < length:
        raise InvalidCbor
    return major, int.from_bytes(argument), position + length
