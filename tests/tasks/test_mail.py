"""E-mail: queued with what causes it, sent once, repeated when the server was away, never readable where it rests."""

import socketserver
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.core.db import db
from app.core.queue import transaction
from app.core.settings import get_settings
from app.domain.mail import MAX_ATTEMPTS
from app.gateways import mail as gateway
from app.models import Mail
from app.services import mails
from tasks import maintenance
from tests.clockwork import Clockwork

SECRET = "https://laoban.example/reset/very-secret"


class SmtpServer(socketserver.StreamRequestHandler):
    """As much SMTP as one letter needs; `refusals` makes it say no to recipients."""

    received: ClassVar[list[str]] = []
    refusals: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.say("220 test")
        lines, body = [], False
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            if body:
                if line == ".":
                    self.received.append("\n".join(lines))
                    body = False
                    self.say("250 taken")
                else:
                    lines.append(line)
            elif line.upper().startswith("RCPT") and self.refusals:
                self.say(self.refusals.pop(0))
            elif line.upper() == "DATA":
                body = True
                self.say("354 go on")
            elif line.upper() == "QUIT":
                return self.say("221 bye")
            else:
                self.say("250 ok")
        return None

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


@pytest.fixture
def smtp(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[SmtpServer]]:
    """A mail server on this machine, set as MAIL_URL."""
    SmtpServer.received.clear()
    SmtpServer.refusals.clear()
    with Server(("127.0.0.1", 0), SmtpServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(get_settings(), "mail_url", f"smtp://127.0.0.1:{server.server_address[1]}")
        yield SmtpServer
        server.shutdown()


def queue(dedupe_key: str | None = None) -> int:
    with transaction():
        mails.queue("boss@tea.example", "New\npassword", f"Open {SECRET}", dedupe_key)
    return db.session.scalars(select(Mail.id).order_by(Mail.id.desc())).first() or 0


def row(mail_id: int) -> Mail:
    return db.session.get_one(Mail, mail_id, populate_existing=True)


def test_a_letter_is_sent_once_and_its_text_forgotten(smtp: type[SmtpServer]):
    mail_id = queue()
    for _ in range(3):
        maintenance.send_mail(mail_id)
    assert len(smtp.received) == 1
    assert "To: boss@tea.example" in smtp.received[0]
    assert "Subject: New password" in smtp.received[0]
    assert SECRET in smtp.received[0]
    assert row(mail_id).sent_at
    assert row(mail_id).body is None


def test_the_text_rests_encrypted(app: Flask):
    mail_id = queue()
    stored = db.session.scalar(text("SELECT body FROM mail WHERE id = :id"), {"id": mail_id})
    assert SECRET not in str(stored)
    assert SECRET in str(row(mail_id).body)


def test_a_server_that_is_away_is_tried_again_later(app: Flask, smtp: type[SmtpServer], time: Clockwork):
    mail_id = queue()
    here = get_settings().mail_url
    get_settings().mail_url = "smtp://127.0.0.1:9"
    maintenance.send_mail(mail_id)
    get_settings().mail_url = here
    assert (row(mail_id).sent_at, row(mail_id).error, row(mail_id).attempts) == (None, "mail_unreachable", 1)
    assert mails.list_due() == []
    time.forward(seconds=31)
    assert mails.list_due() == [mail_id]
    maintenance.send_mail(mail_id)
    assert len(smtp.received) == 1


@pytest.mark.parametrize(("answer", "dead"), [("550 no such person", True), ("451 try later", False)])
def test_only_what_will_never_be_taken_is_given_up(smtp: type[SmtpServer], answer: str, dead: bool):
    smtp.refusals.append(answer)
    mail_id = queue()
    maintenance.send_mail(mail_id)
    assert (row(mail_id).dead_at is not None) == dead


def test_after_eight_attempts_it_is_given_up(app: Flask, monkeypatch: pytest.MonkeyPatch, time: Clockwork):
    monkeypatch.setattr(get_settings(), "mail_url", "smtp://127.0.0.1:9")
    mail_id = queue()
    for _ in range(MAX_ATTEMPTS + 2):
        maintenance.send_mail(mail_id)
        time.forward(hours=2)
    assert row(mail_id).attempts == MAX_ATTEMPTS
    assert row(mail_id).dead_at
    assert row(mail_id).body is None


def test_one_key_is_one_letter(app: Flask):
    queue("alert 1")
    queue("alert 1")
    assert db.session.scalars(select(Mail.dedupe_key)).all() == ["alert 1"]


def test_without_mail_development_shows_the_link_and_production_does_not(
    app: Flask, capsys: pytest.CaptureFixture[str]
):
    letter = gateway.Letter(1, "a@b.example", "s", SECRET)
    gateway.NoMailer(show=True).send(letter)
    assert SECRET in capsys.readouterr().err
    gateway.NoMailer(show=False).send(letter)
    assert SECRET not in capsys.readouterr().err


def test_a_password_is_not_sent_without_encryption():
    with Server(("127.0.0.1", 0), SmtpServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"smtp://me:secret@127.0.0.1:{server.server_address[1]}"
        with pytest.raises(gateway.MailUnreachable):
            gateway.SmtpMailer(url, "us@x.example").send(gateway.Letter(1, "a@b.example", "s", "b"))
        server.shutdown()


def test_the_sweep_asks_again_once_per_slot(app: Flask, monkeypatch: pytest.MonkeyPatch):
    mail_id = queue()
    asked: list[object] = []
    monkeypatch.setattr(maintenance, "enqueue", lambda *args: asked.append(args[1:]))
    maintenance.sweep_mail()
    maintenance.sweep_mail()
    assert asked == [(mail_id,)]
