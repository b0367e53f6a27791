"""The way into Django's admin: the API's own password check and limits, and its second factor."""
