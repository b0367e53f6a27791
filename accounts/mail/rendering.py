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
    """Render `templates/emails/<kind>/`; `context` holds `product_name`, `public_url` and the values that the kind needs.

    `reset_url`, the page to request a password reset, is derived from `public_url` unless the context has it.
    """
    values = {"reset_url": f"{context['public_url']}/reset-password", **context}
    with translation.override(language):
        return RenderedEmail(
            subject=_one_line(render_to_string(f"emails/{kind}/subject.txt", values)),
            text=_tidy(render_to_string(f"emails/{kind}/body.txt", values)),
            html=render_to_string(f"emails/{kind}/body.html", values).strip() + "\n",
        )


def _one_line(subject: str) -> str:
    """Remove line breaks: one in a subject would start another header."""
    return " ".join(subject.split())


def _tidy(text: str) -> str:
    """Remove the empty lines that template tags leave."""
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
