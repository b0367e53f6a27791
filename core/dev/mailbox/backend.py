"""The email backend of development, which stores messages in the mailbox instead of sending them."""

from collections.abc import Sequence
from email.utils import parseaddr

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend

from core.dev.mailbox import storage


class EmailBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        return sum(self._keep(message) for message in email_messages if message.recipients())

    def _keep(self, message: EmailMessage) -> bool:
        try:
            storage.save(
                to=[parseaddr(recipient)[1] for recipient in message.recipients()],
                subject=str(message.subject),
                text=str(message.body),
                html=_html(message),
            )
        except OSError:
            if not self.fail_silently:
                raise
            return False
        return True


def _html(message: EmailMessage) -> str:
    alternatives = message.alternatives if isinstance(message, EmailMultiAlternatives) else []
    return next((str(content) for content, mimetype in alternatives if mimetype == "text/html"), "")
