"""The site of the Django admin: a login with the API's password check, rate limits and two-factor authentication."""
