"""The check of CBOR before a decoder sees it."""

import time

import cbor2
import pytest

from accounts.passkeys import cbor
from accounts.passkeys.cbor import InvalidCbor
from accounts.passkeys.testing.keys import KEY_TYPES

USUAL = [
    {},
    {"fmt": "none", "attStmt": {}, "authData": b"\0" * 200},
    {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"x" * 300, "x5c": [b"y" * 70_000]}, "authData": b""},
    {"credProtect": 2, "hmac-secret": True, "minPinLength": None, "ratio": 0.5},
    {"uvm": [[2, 4, 2], [1, 1, 1]]},
    -(2**63),
    2**64 - 1,
    *(key_type().to_cose() for key_type in KEY_TYPES.values()),
]
HOSTILE = {
    "nothing": b"",
    "text that ends early": b"\x65abcd",
    "bytes that claim 2^63": b"\x5b\x7f" + b"\xff" * 7,
    "a list that claims 2^64": b"\x9b" + b"\xff" * 8,
    "a map that claims 2^31": b"\xba\x7f\xff\xff\xff\x00\x00",
    "a head that ends early": b"\x19\x01",
    "100,000 nested lists": b"\x81" * 100_000 + b"\x00",
    "five nested lists": b"\x81" * 5 + b"\x00",
    "five nested empty lists": b"\x81" * 4 + b"\x80",
    "a list of indefinite length": b"\x9f\x00\xff",
    "bytes of indefinite length": b"\x5f\x41\x00\xff",
    "a bare break": b"\xff",
    "a list of 1,000,000 numbers": b"\x9a\x00\x0f\x42\x40" + bytes(1_000_000),
    "a tag": b"\xc1\x00",
    "a regular expression": b"\xd8\x23\x64(a+)",
    "an email": b"\xd8\x24\x60",
    "a big number": b"\xc2\x5a\x00\x0f\x42\x40" + b"\xff" * 1_000_000,
    "reserved lengths": b"\x1c",
}


@pytest.mark.parametrize("value", USUAL, ids=[f"item {number}" for number in range(len(USUAL))])
def test_the_end_of_what_authenticators_send_is_found(value: object) -> None:
    encoded = cbor2.dumps(value)

    assert cbor.get_end(encoded) == len(encoded)
    assert cbor.get_end(b"\x00" + encoded + b"\x00", 1) == 1 + len(encoded)


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_authenticators_do_not_send_is_invalid_at_once(data: bytes) -> None:
    started = time.perf_counter()

    with pytest.raises(InvalidCbor):
        cbor.get_end(data)

    assert time.perf_counter() - started < 0.1


def test_each_beginning_of_an_item_is_invalid() -> None:
    encoded = cbor2.dumps(USUAL[2])[:400]

    for length in range(len(encoded)):
        with pytest.raises(InvalidCbor):
            cbor.get_end(encoded[:length])
