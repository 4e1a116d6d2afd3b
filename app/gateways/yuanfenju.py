"""Yuanfenju's charts (缘份居): one form posted, one JSON answer that is believed in nothing but its shape.

The buyer's name is not sent: nothing is reckoned from it. Dates go out in the solar calendar, because a lunar leap
month cannot be said there, and as the time by the sky, because that service is told of no zone and no summer time.
"""

import logging
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import pairwise
from time import monotonic
from typing import Any, Final

import orjson
import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as PoolTimeoutError

from app.domain.bazi import Decade, Sex
from app.domain.bazi_elements import CYCLE
from app.domain.services import Access, Service, ServiceFailed

log = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 10.0
MAX_ANSWER: Final = 512 * 1024
CHART, ACCOUNT = "/v1/Bazi/paipan", "/v1/Free/querymerchant"
MALE, FEMALE = "0", "1"
SOLAR_CALENDAR: Final = "1"
NEXT_DAY, SAME_DAY = "1", "2"
NO_TRUE_SOLAR_TIME: Final = "2"
NAMELESS: Final = "命主"
WORD_OF_SEX: Final = {Sex.MALE: "乾造", Sex.FEMALE: "坤造"}
_GZIP: Final = b"\x1f\x8b"
_NA_YIN: Final = re.compile(r"[\u4e00-\u9fff]{3}")
_LUCK: Final = re.compile(r"(\d{1,2})年(\d{1,2})个?月(\d{1,2})[天日]")


@dataclass(frozen=True, slots=True)
class Question:
    """A birth as that service is told of it."""

    moment: datetime
    sex: Sex
    late_zi_next_day: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What it said, as far as it had the expected shape; None or empty where it had not."""

    pillars: tuple[str, str, str, str]
    sex: Sex | None = None
    na_yin: tuple[str, ...] = ()
    void: str = ""
    luck_start: str = ""
    decades: tuple[Decade, ...] = ()


class Refused(ServiceFailed):
    """It takes the account but not this birth."""

    def __init__(self) -> None:
        super().__init__(Service.YUANFENJU, permanent=True, reason="refused")


def ask_chart(question: Question, access: Access) -> Answer:
    """The chart. Raises Refused and ServiceFailed."""
    moment = question.moment
    fields = {
        "name": NAMELESS,
        "sex": MALE if question.sex is Sex.MALE else FEMALE,
        "type": SOLAR_CALENDAR,
        "year": str(moment.year),
        "month": str(moment.month),
        "day": str(moment.day),
        "hours": str(moment.hour),
        "minute": str(moment.minute),
        "sect": NEXT_DAY if question.late_zi_next_day else SAME_DAY,
        "zhen": NO_TRUE_SOLAR_TIME,
        "lang": "zh-cn",
    }
    body = _post(CHART, fields, access)
    if _succeeded(body):
        return _answer(body["data"])
    log.warning("yuanfenju refused", extra={"errmsg": _short(body.get("errmsg"))})
    raise _why_refused(access)


def remaining_calls(access: Access) -> int | None:
    """How often the account may still ask for something; None where it does not say. Raises ServiceFailed."""
    body = _post(ACCOUNT, {}, access)
    if not _succeeded(body):
        raise _failed("key", permanent=True)
    data = body["data"]
    account = data[0] if isinstance(data, list) and data else data
    left = str(account.get("merchant_remaining_call_times", "")) if isinstance(account, dict) else ""
    return int(left) if re.fullmatch(r"-?\d{1,12}", left) else None


def _why_refused(access: Access) -> ServiceFailed:
    """There is no list of its error codes, so the account is asked whether it is the account."""
    left = remaining_calls(access)
    return _failed("quota", permanent=True) if left is not None and left <= 0 else Refused()


def _failed(reason: str, *, permanent: bool = False) -> ServiceFailed:
    return ServiceFailed(Service.YUANFENJU, permanent=permanent, reason=reason)


def _succeeded(body: dict[str, Any]) -> bool:
    return str(body.get("errcode")) == "0" and bool(body.get("data"))


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=16, retries=False)


def _post(path: str, fields: dict[str, str], access: Access) -> dict[str, Any]:
    """Always a POST with the key in its body: in an address it would stand in logs. Raises ServiceFailed."""
    until = monotonic() + TOTAL_SECONDS
    try:
        response = _pool().request(
            "POST",
            access.url + path,
            fields={"api_key": access.key, **fields},
            encode_multipart=False,
            redirect=False,
            preload_content=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, total=TOTAL_SECONDS),
        )
        try:
            body = _body(response, until)
        finally:
            response.release_conn()
    except NewConnectionError:
        # The library calls it a kind of timeout; nobody was there at all.
        raise _failed("broken") from None
    except (PoolTimeoutError, TimeoutError):
        raise _failed("timeout") from None
    except (HTTPError, OSError):
        raise _failed("broken") from None
    return _read(response.status, body)


def _body(response: urllib3.BaseHTTPResponse, until: float) -> bytes:
    body = b""
    while len(body) <= MAX_ANSWER and (part := response.read1(MAX_ANSWER)):
        body += part
        if monotonic() > until:
            raise TimeoutError
    return body


def _read(status: int, body: bytes) -> dict[str, Any]:
    if status in {401, 403}:
        raise _failed("key", permanent=True)
    if status != 200:
        raise _failed("busy" if status == 429 or status >= 500 else "broken")
    try:
        data = orjson.loads(_unpacked(body))
    except (orjson.JSONDecodeError, zlib.error, OSError, EOFError):
        raise _failed("broken") from None
    if not isinstance(data, dict) or "errcode" not in data:
        raise _failed("broken")
    return data


def _unpacked(body: bytes) -> bytes:
    """It packs answers without saying so."""
    if len(body) > MAX_ANSWER:
        raise EOFError
    if not body.startswith(_GZIP):
        return body
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(body, MAX_ANSWER)


def _answer(data: Any) -> Answer:
    base, chart, luck = (_part(data, name) for name in ("base_info", "bazi_info", "dayun_info"))
    pillars = _pillars(chart.get("bazi"))
    na_yin = _list(chart.get("na_yin"))
    void = str(chart.get("kw", ""))
    return Answer(
        pillars=pillars,
        sex=next((sex for sex, word in WORD_OF_SEX.items() if word == base.get("sex")), None),
        na_yin=na_yin if len(na_yin) == 4 and all(map(_NA_YIN.fullmatch, na_yin)) else (),
        void=void if re.fullmatch("[子丑寅卯辰巳午未申酉戌亥]{2}", void) else "",
        luck_start=_luck_start(str(base.get("qiyun", ""))[:80]),
        decades=_decades(luck),
    )


def _luck_start(text: str) -> str:
    """命主于出生后1年5个月22天后起运, in our own words; "" where it says anything else."""
    found = _LUCK.search(text)
    if found is None:
        return ""
    counts = zip(map(int, found.groups()), ("年", "个月", "天"), strict=True)
    return f"出生后{''.join(f'{count}{unit}' for count, unit in counts if count) or '当天'}起运"


def _part(data: Any, name: str) -> dict[str, Any]:
    part = data.get(name) if isinstance(data, dict) else None
    return part if isinstance(part, dict) else {}


def _pillars(given: Any) -> tuple[str, str, str, str]:
    """Four pillars, from a list or from one string with spaces. Raises ServiceFailed."""
    found = tuple(given.split()) if isinstance(given, str) else _list(given)
    if len(found) != 4 or any(each not in CYCLE for each in found):
        raise _failed("broken")
    return found[0], found[1], found[2], found[3]


def _decades(luck: dict[str, Any]) -> tuple[Decade, ...]:
    """Its decades, when the three lists fit together; the years before the first decade are not one."""
    rows = zip(
        _list(luck.get("xu_sui")), _list(luck.get("big_start_year")), _list(luck.get("big")), strict=False
    )
    found = [
        Decade(int(age), int(year), pillar)
        for age, year, pillar in rows
        if pillar in CYCLE and re.fullmatch(r"\d{1,3}", age) and re.fullmatch(r"\d{4}", year)
    ]
    even = all(b.age - a.age == 10 and b.year - a.year == 10 for a, b in pairwise(found))
    return tuple(found) if even else ()


def _list(given: Any) -> tuple[str, ...]:
    return tuple(str(each).strip() for each in given) if isinstance(given, list) else ()


def _short(text: Any) -> str:
    return str(text or "")[:200]
