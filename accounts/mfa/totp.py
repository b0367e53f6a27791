"""Time-based one-time passwords (RFC 6238): secrets, the URI and QR code that set an app up, and the check of a code."""

import hmac
import io
from datetime import datetime

import pyotp
import segno
from django.conf import settings

_STEP_SECONDS = 30
_DRIFT = (0, -1, 1)  # in steps: clocks differ, and people type slowly


def new_secret() -> str:
    """Return 160 random bits in base32, as apps expect (RFC 4226 §4)."""
    return pyotp.random_base32(32)


def uri(secret: str, *, account: str) -> str:
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=settings.PRODUCT_NAME)


def qr_svg(text: str) -> str:
    """Return SVG to embed in a page as it is: black on white in every theme, without script and style."""
    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        picture, kind="svg", scale=5, border=4, dark="#000", light="#fff", xmldecl=False, svgclass=None, lineclass=None
    )
    return picture.getvalue().decode().strip()


def matching_step(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """Return the time step whose code this is, or None. It is at most one step from now, and later than `after`.

    `after` is the step of the last code used. A comparison of steps, not of codes, rejects every earlier code.
    """
    current = int(now.timestamp()) // _STEP_SECONDS
    app = pyotp.TOTP(secret)
    for step in (current + drift for drift in _DRIFT):
        if step > after and hmac.compare_digest(app.generate_otp(step).encode(), code.encode()):
            return step
    return None
