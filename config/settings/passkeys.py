"""Passkeys: the relying party, the origins that may use them, and the pages where users manage them."""

from config.settings.email import FRONTEND_URL, PUBLIC_URL
from config.settings.security import CORS_ALLOWED_ORIGINS
from core.environment import env, relying_party

WEBAUTHN_RP_ID = (
    env.parsed("WEBAUTHN_RP_ID", None, relying_party.rp_id, "a domain such as example.com, or localhost")
    if env.is_set("WEBAUTHN_RP_ID")
    else relying_party.default_rp_id(FRONTEND_URL)
)
# Browsers and authenticators show it.
WEBAUTHN_RP_NAME = env.text("WEBAUTHN_RP_NAME", env.text("PRODUCT_NAME", "Vestibule"))
_MAX_RP_NAME = 100
if env.is_set("WEBAUTHN_RP_NAME") and len(WEBAUTHN_RP_NAME) > _MAX_RP_NAME:
    raise env.BadVariable("WEBAUTHN_RP_NAME", f"must have at most {_MAX_RP_NAME} characters")

_DEFAULT_ORIGINS = relying_party.default_origins(
    [FRONTEND_URL, PUBLIC_URL, *CORS_ALLOWED_ORIGINS], rp_id=WEBAUTHN_RP_ID
)
_EXPECTED = "a list of origins such as https://app.example.com, or android:apk-key-hash: and 43 characters of base64url"
# The variable adds to the defaults: other sites and native apps.
WEBAUTHN_ORIGINS = list(
    dict.fromkeys([*_DEFAULT_ORIGINS, *env.parsed("WEBAUTHN_ORIGINS", "", relying_party.origins, _EXPECTED)])
)

# Password managers open these pages; see /.well-known/passkey-endpoints.
PASSKEY_ENROLL_URL = env.url("PASSKEY_ENROLL_URL", f"{FRONTEND_URL}/account/passkeys")
PASSKEY_MANAGE_URL = env.url("PASSKEY_MANAGE_URL", f"{FRONTEND_URL}/account/passkeys")
