"""Chromium's virtual authenticators, by the DevTools protocol (domain WebAuthn): each is one device of the user."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import CDPSession, Page

_OPTIONS = {
    "protocol": "ctap2",
    "ctap2Version": "ctap2_1",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


class Device:
    """A device with a screen lock. Until `unlocked`, a request for its passkeys waits for the user.

    Chromium answers a request for autofill at once if an unlocked device has a passkey, as if the user had chosen it.
    """

    def __init__(self, devtools: CDPSession, transport: str) -> None:
        self._devtools = devtools
        options = _OPTIONS | {"transport": transport, "automaticPresenceSimulation": False}
        self._id: str = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def passkeys(self) -> list[dict[str, Any]]:
        return list(self._send("getCredentials")["credentials"])

    def receive(self, credential_id: bytes, key: EllipticCurvePrivateKey, *, user_handle: bytes) -> None:
        """Hold a passkey for localhost that the server knows already."""
        private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        credential = {
            "credentialId": b64encode(credential_id).decode(),
            "privateKey": b64encode(private).decode(),
            "userHandle": b64encode(user_handle).decode(),
            "rpId": "localhost",
            "isResidentCredential": True,
            "signCount": 0,
        }
        self._send("addCredential", credential=credential)

    @contextmanager
    def unlocked(self) -> Iterator[None]:
        """Let the user confirm each request that is made inside the context."""
        self._send("setAutomaticPresenceSimulation", enabled=True)
        yield
        self._send("setAutomaticPresenceSimulation", enabled=False)

    def lose(self) -> None:
        self._send("removeVirtualAuthenticator")

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return dict(self._devtools.send(f"WebAuthn.{method}", {"authenticatorId": self._id} | parameters) or {})


class Devices:
    """The devices that a tab can reach."""

    def __init__(self, page: Page) -> None:
        self._devtools = page.context.new_cdp_session(page)
        # With Chromium's own dialogs, which a headless browser does not show, a request would wait forever.
        self._devtools.send("WebAuthn.enable", {"enableUI": False})

    def add(self, *, transport: str = "internal") -> Device:
        """Add a device. A tab can have one that is `internal`: its own computer or phone."""
        return Device(self._devtools, transport)
