"""The HTTP contract that all apps share: envelope, errors, parsing limits, who may call from where."""
