"""Turns a kind of email and its context into subject, text and HTML, in the reader's language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import translation


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    subject: str
    text: str
    html: str


def render(*, kind: str, language: str, context: Mapping[str, object]) -> RenderedEmail:
    """Render `templates/emails/<kind>/`; `context` holds `product_name`, `public_url` and what the kind asks for.

    `reset_url`, the page where a new password can be asked for, follows from `public_url` unless it is given.
    """
    values = {"reset_url": f"{context['public_url']}/reset-password", **context}
    with translation.override(language):
        return RenderedEmail(
            subject=_one_line(render_to_string(f"emails/{kind}/subject.txt", values)),
            text=_tidy(render_to_string(f"emails/{kind}/body.txt", values)),
            html=render_to_string(f"emails/{kind}/body.html", values).strip() + "\n",
        )


def _one_line(subject: str) -> str:
    """A line break in a subject would be a header of its own."""
    return " ".join(subject.split())


def _tidy(text: str) -> str:
    """Template tags leave empty lines behind."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
