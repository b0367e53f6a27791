"""What the OpenAPI document says of each operation: a module for each module of views."""

from accounts.api.docs import fields as fields  # importing it is what makes the library know it
