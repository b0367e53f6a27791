"""Model admins, registered on import: one module per kind of row."""

from accounts.admin import audit as audit
from accounts.admin import groups as groups
from accounts.admin import outbox as outbox
from accounts.admin import service_clients as service_clients
from accounts.admin import sessions as sessions
from accounts.admin import users as users
