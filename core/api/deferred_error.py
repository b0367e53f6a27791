"""The key of the WSGI environ under which the fast path leaves an exception for the view to raise again."""

DEFERRED_ERROR = "vestibule.deferred_error"
