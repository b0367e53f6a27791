"""The authenticator app's side: secrets, the address and picture that set one up, and which code is right when (RFC 6238)."""

import hmac
import io
from datetime import datetime

import pyotp
import segno
from django.conf import settings

_STEP_SECONDS = 30
_DRIFT = (0, -1, 1)  # in steps: clocks differ, and people type slowly


def new_secret() -> str:
    """160 random bits in base32, as apps expect (RFC 4226 §4)."""
    return pyotp.random_base32(32)


def uri(secret: str, *, account: str) -> str:
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=settings.PRODUCT_NAME)


def qr_svg(text: str) -> str:
    """SVG to set into a page as it is: black on white whatever the page's colours, no script, no style."""
    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        picture, kind="svg", scale=5, border=4, dark="#000", light="#fff", xmldecl=False, svgclass=None, lineclass=None
    )
    return picture.getvalue().decode().strip()


def matching_step(secret: str, code: str, *, now: datetime, after: int) -> int | None:
    """The time step whose code this is, of those that a drift of one allows and that lie `after` the one used last.

    A code has one spelling, six ASCII digits; and since steps are compared, none brings a used one back.
    """
    current = int(now.timestamp()) // _STEP_SECONDS
    app = pyotp.TOTP(secret)
    for step in (current + drift for drift in _DRIFT):
        if step > after and hmac.compare_digest(app.generate_otp(step).encode(), code.encode()):
            return step
    return None
