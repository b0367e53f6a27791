"""The documentation of each operation in the OpenAPI document: a module for each module of views."""

from accounts.api.docs import fields as fields  # the import registers the extensions
