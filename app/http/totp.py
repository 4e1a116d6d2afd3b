"""One-time passwords: the QR code by segno, secrets under our encryption keys, and no password works twice."""

from typing import cast

import segno
from flask_security.core import UserMixin
from flask_security.totp import Totp as SecurityTotp
from passlib.totp import TOTP, AppWallet, TotpMatch  # type: ignore[import-untyped]

from app.core import crypto
from app.core.settings import Settings
from app.models import User


def totp_secrets(settings: Settings) -> dict[str, str]:
    """Keys by tag, the first one encrypts. They follow ENCRYPTION_KEYS, so that changing those works as elsewhere."""
    return {crypto.fingerprint("totp", key)[:12]: crypto.derive(key, "totp") for key in settings.keys}


class Totp(SecurityTotp):
    """Remembers the time step of the last password in the person's row."""

    def __init__(self, secrets: dict[str, str], issuer: str) -> None:
        super().__init__(secrets, issuer)
        wallet = AppWallet(secrets=secrets, default_tag=next(iter(secrets)))
        self._totp = TOTP.using(issuer=issuer, wallet=wallet)

    def rotate(self, stored: str) -> str | None:
        """The same secret under the first key; None when it is already."""
        otp = self._totp.from_source(stored)
        return str(otp.to_json(encrypt=True)) if otp.changed else None

    def generate_qrcode(self, username: str, totp: str) -> str:
        """The QR code as a data URI for `<img>`."""
        code = segno.make(self.get_totp_uri(username, totp), error="m", micro=False)
        return str(code.svg_data_uri(scale=5, border=4, dark="#000", light="#fff"))

    def get_last_counter(self, user: UserMixin) -> int | None:
        """The last step used."""
        return cast(User, user).tf_last_counter

    def set_last_counter(self, user: UserMixin, tmatch: TotpMatch) -> None:
        """Notes the step."""
        cast(User, user).tf_last_counter = tmatch.counter
