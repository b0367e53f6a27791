"""The platform below the apps. It knows no app."""

# The version of the project: pyproject.toml and the OpenAPI document read it from here.
__version__ = "0.1.0"
