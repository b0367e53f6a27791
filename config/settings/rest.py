"""Django REST framework and the OpenAPI document."""

from core import __version__
from core.environment import env

MAX_BODY_BYTES = 64 * 1024
# How many requests one web process handles at once. Requests whose body is still arriving do not count.
WEB_THREADS = env.integer("WEB_THREADS", 8, minimum=1, maximum=1000)
MAX_JSON_DEPTH = 32

# The requests that are handled before Django's middleware; see core.fast_path.middleware.
FAST_PATHS = "accounts.api.fast_paths.FAST_PATHS"

# Called before a process serves its first request: concurrent first requests would each build these objects.
PRELOAD = [
    "django.contrib.auth.password_validation.get_default_password_validators",
    "sessions_tracking.client_info.resolver",
]
# Objects that need no app are built before the web processes fork, which share the memory. See core.web_server.granian_server.
PRELOAD_BEFORE_FORK = ["sessions_tracking.client_info.resolver"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["core.throttling.write_throttle.WriteThrottle"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.AlwaysJSON",
    "DEFAULT_SCHEMA_CLASS": "core.openapi.schema.EnvelopeSchema",
    "EXCEPTION_HANDLER": "core.api.exception_handler.handle",
    # OPTIONS would list the fields of every serializer to any client.
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "FORMAT_SUFFIX_KWARG": None,
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    # Several shapes have the field `kind` with these choices, others with other ones.
    "ENUM_NAME_OVERRIDES": {"AccountKindEnum": [("user", "user")]},
    "OAS_VERSION": "3.1.1",
    "TITLE": "",  # PRODUCT_NAME; see core.openapi.hooks
    "VERSION": __version__,
    "TAGS": [
        {"name": "Registration", "description": "Create an account and verify its email."},
        {"name": "Sign-in", "description": "Sign in, refresh tokens and sign out."},
        {"name": "Account", "description": "The caller's own account."},
        {"name": "Sessions", "description": "The caller's sessions. Another user's session returns `404`."},
        {"name": "Passwords", "description": "Forgotten passwords, resets and changes."},
        {
            "name": "Second factor",
            "description": "Authenticator apps (TOTP) and recovery codes.",
        },
        {
            "name": "Passkeys",
            "description": "Passkeys (WebAuthn). Options and credentials are in WebAuthn's own JSON format.",
        },
        {
            "name": "For other services",
            "description": "Token checks for proxies and other services.",
        },
        {"name": "Administration", "description": "User management, for the role `ADMIN`."},
    ],
    "PREPROCESSING_HOOKS": ["core.openapi.hooks.without_trailing_slash"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.openapi.hooks.complete",
    ],
    "DISABLE_DOCSTRING_DESCRIPTIONS": True,  # the docstrings of forms are for developers; EnvelopeSchema uses those of views
    "COMPONENT_SPLIT_PATCH": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
}
