"""Fills the database of whichever Django project the environment names: users `user0`, `user1`, …, all with one password."""

import os
from datetime import UTC, datetime

import django
from django.apps import apps
from django.contrib.auth import get_user_model


def main() -> None:
    django.setup()
    users = get_user_model().objects
    for number in range(int(os.environ["BENCH_USERS"])):
        name = f"user{number}"
        user = users.create_user(username=name, email=f"{name}@example.com", password=os.environ["BENCH_PASSWORD"])
        if hasattr(user, "email_verified_at"):
            user.email_verified_at = datetime.now(UTC)
            user.save()
        if apps.is_installed("allauth.account"):
            addresses = apps.get_model("account", "EmailAddress").objects
            addresses.create(user=user, email=user.email, verified=True, primary=True)


main()
