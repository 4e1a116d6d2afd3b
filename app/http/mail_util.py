"""Flask-Security's mail goes to our outgoing mail; its addresses take our one form."""

from typing import Any

from flask import Flask
from flask_security.mail_util import EmailValidateException, MailUtil
from flask_security.utils import get_message

from app.domain.people import clean_email, is_email
from app.services import mails


class QueuedMail(MailUtil):
    """Writes letters to the database; a task sends them after the commit."""

    def __init__(self, app: Flask) -> None:
        del app

    def send_mail(  # noqa: PLR0917 - the signature is the library's
        self,
        template: str,
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],
        body: str | None,
        html: str | None,
        **kwargs: Any,
    ) -> None:
        """Queues the plain text."""
        del template, sender, html, kwargs
        mails.queue(
            recipient if isinstance(recipient, str) else recipient[1],
            str(subject),
            (body or "").strip() + "\n",
        )

    def normalize(self, email: str) -> str:
        """The one form of an address. Raises EmailValidateException."""
        if not is_email(email):
            raise EmailValidateException(get_message("INVALID_EMAIL_ADDRESS")[0])
        return clean_email(email)

    def validate(self, email: str) -> str:
        """The same: asking the network would be slow, and impossible without one."""
        return self.normalize(email)
