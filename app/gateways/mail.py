"""Sends e-mail by SMTP, or nowhere when none is set up."""

import logging
import smtplib
import ssl
import sys
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from app.core.errors import OutsideFailed
from app.core.settings import Settings
from app.domain.mail import Letter

log = logging.getLogger(__name__)
SECONDS = 15.0
SUBMISSION, SMTPS = 587, 465


class MailRefused(OutsideFailed):
    """The server will never take this letter, such as for an address that does not exist."""

    code = "mail_refused"
    retryable = False


class MailUnreachable(OutsideFailed):
    """The server did not answer or can't right now."""

    code = "mail_unreachable"


class Mailer(Protocol):
    """What sends letters."""

    def send(self, letter: Letter) -> None:
        """Raises MailRefused, MailUnreachable."""


class NoMailer:
    """No mail is set up. In development the letter, with its link, is shown on the console instead."""

    def __init__(self, *, show: bool) -> None:
        self._show = show

    def send(self, letter: Letter) -> None:
        """Shows or drops the letter."""
        log.warning("e-mail not sent: MAIL_URL is not set", extra={"mail_id": letter.id})
        if self._show:
            sys.stderr.write(f"\n--- e-mail to {letter.recipient}: {letter.subject}\n{letter.body}\n---\n")


class SmtpMailer:
    """Sends through the server of `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465`."""

    def __init__(self, url: str, sender: str) -> None:
        self._url = urlsplit(url)
        self._sender = sender

    def send(self, letter: Letter) -> None:
        """Raises MailRefused, MailUnreachable."""
        try:
            with self._connect() as server:
                server.send_message(self._message(letter))
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            raise (MailRefused if _for_good(error) else MailUnreachable) from None
        except (smtplib.SMTPException, OSError) as error:
            # The text of an authentication error may repeat what we sent; its kind is enough.
            log.info("mail server", extra={"reason": type(error).__name__})
            raise MailUnreachable from None

    def _connect(self) -> smtplib.SMTP:
        url, host = self._url, self._url.hostname or "localhost"
        if url.scheme == "smtps":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or SMTPS, timeout=SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, url.port or SUBMISSION, timeout=SECONDS)
        try:
            self._introduce(server, url)
        except BaseException:
            server.close()
            raise
        return server

    def _introduce(self, server: smtplib.SMTP, url: SplitResult) -> None:
        server.ehlo()
        if url.scheme == "smtp" and (server.has_extn("starttls") or url.username):
            # With a password, a server that offers no encryption is refused rather than trusted.
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, letter.recipient, letter.subject
        message["Date"], message["Message-ID"] = formatdate(localtime=False), make_msgid(domain="laoban")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.body)
        return message


def _for_good(error: smtplib.SMTPException) -> bool:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500


def mailer(settings: Settings) -> Mailer:
    """What this deployment sends mail with."""
    if settings.mail_url:
        return SmtpMailer(settings.mail_url, settings.mail_from)
    return NoMailer(show=settings.app_env == "development")
