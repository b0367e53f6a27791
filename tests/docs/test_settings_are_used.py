"""Each setting of the project is read by code, so that none is without effect."""

import ast
import re

from django.conf import global_settings

from core.paths import BASE_DIR

# Read by the libraries that they are named after.
_LIBRARY_PREFIXES = (
    "CELERY_",
    "CORS_",
    "WHITENOISE_",
    "REST_FRAMEWORK",
    "SPECTACULAR_",
    "UNFOLD",
    "ANYMAIL",
    "ROOT_URLCONF",
)


def _code() -> str:
    files = [
        file for app in ("config", "core", "accounts", "sessions_tracking") for file in (BASE_DIR / app).rglob("*.py")
    ]
    read = [file for file in files if not {"tests", "testing", "settings"} & set(file.relative_to(BASE_DIR).parts)]
    return "\n".join(file.read_text() for file in read)


def _own_settings() -> set[str]:
    assigned: set[str] = set()
    for file in (BASE_DIR / "config" / "settings").glob("*.py"):
        for node in ast.parse(file.read_text()).body:
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AnnAssign)
                else []
            )
            assigned |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in assigned if name.isupper() and not name.startswith(("_", *_LIBRARY_PREFIXES))}


def test_each_setting_is_read_outside_of_its_file() -> None:
    own = {name for name in _own_settings() if not hasattr(global_settings, name)}
    text = _code()
    settings = "\n".join(file.read_text() for file in (BASE_DIR / "config" / "settings").glob("*.py"))

    unread = {name for name in own if not re.search(rf"\b{name}\b", text)}
    # Parts of other settings, such as the options of a database, occur twice in the files of the settings.
    assert {name for name in unread if len(re.findall(rf"\b{name}\b", settings)) < 2} == set()
    assert len(own) > 50
