"""For whom words are made: a language and a time zone, and how moments, spans and amounts read there."""

import html
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.core.i18n import N_, translate
from app.domain.money import shown_money

_CHINA = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Place:
    """A language and a time zone (a name such as Asia/Shanghai)."""

    locale: str
    zone: str

    def t(self, msgid: str, **params: object) -> str:
        """A catalogue text."""
        return translate(self.locale, msgid, **params)

    def e(self, msgid: str, **params: object) -> str:
        """A catalogue text, escaped."""
        return html.escape(self.t(msgid, **params), quote=False)

    def money(self, minor: int, currency: str) -> str:
        """An amount, given in minor units."""
        return shown_money(minor, currency, self.locale)

    def time(self, moment: datetime) -> str:
        """A moment on the clocks of the zone, which is named."""
        local = moment.astimezone(ZoneInfo(self.zone))
        if self.zone == _CHINA:
            return self.t(N_("%(time)s Beijing time"), time=f"{local:%Y-%m-%d %H:%M}")
        return _with_offset(local)

    def short_time(self, moment: datetime) -> str:
        """The same for lists: without year and zone."""
        return f"{moment.astimezone(ZoneInfo(self.zone)):%m-%d %H:%M}"

    def day(self, moment: datetime) -> str:
        """The day that it is there, like 2026-01-31."""
        return f"{moment.astimezone(ZoneInfo(self.zone)):%Y-%m-%d}"

    def span(self, left: timedelta) -> str:
        """How long that is, in its two largest units."""
        minutes = max(0, int(left.total_seconds())) // 60
        days, hours = divmod(minutes // 60, 24)
        if days:
            return self.t(N_("%(days)s d %(hours)s h"), days=days, hours=hours)
        if hours:
            return self.t(N_("%(hours)s h %(minutes)s min"), hours=hours, minutes=minutes % 60)
        if minutes:
            return self.t(N_("%(minutes)s min"), minutes=minutes)
        return self.t(N_("less than a minute"))


def _with_offset(local: datetime) -> str:
    minutes = int((local.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return f"{local:%Y-%m-%d %H:%M} (UTC{sign}{hours}{f':{rest:02}' if rest else ''})"
