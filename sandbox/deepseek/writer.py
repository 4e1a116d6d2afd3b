"""What the model writes: every section that the prompt asks for, with a few plain sentences under it."""

import re
import zlib

import orjson

MARKERS = re.compile(
    r"^[ \t>*-]*((?:#{1,6}[ \t]*[^\n#]{1,60})|(?:【[^】\n]{1,40}】)|(?:\[\[[^\]\n]{1,40}\]\])"
    r"|(?:<<[^>\n]{1,40}>>)|(?:={2,}[ \t]*[^=\n]{1,40}[ \t]*={2,})|(?:@@[ \t]*[\w.-]{1,40}))",
    re.MULTILINE,
)
CHINESE = re.compile("[\u4e00-\u9fff]")
KEYS = re.compile(r'"(\w{1,40})"\s*:')
PILLAR = re.compile("[甲乙丙丁戊己庚辛壬癸][子丑寅卯辰巳午未申酉戌亥]")
SENTENCES = (
    "从命局看，您做事踏实，重承诺，遇到难处也沉得住气。",
    "五行之间有进有退，关键在于顺势而为，不必强求一时的结果。",
    "早年宜多学一门手艺，中年以后根基渐稳，收获也随之而来。",
    "与人合作时把账目和分工先说清楚，感情反而更长久。",
    "这几年适合稳扎稳打，先守住本行，再慢慢往外拓展。",
    "身体方面注意作息规律，少熬夜，饮食以清淡为主。",
    "贵人多在同乡和旧识之中，平日多走动，关键时刻自有人帮。",
    "钱财上有正财之象，宜积少成多，大额投入要多听几个人的意见。",
    "家人的支持是您最稳的靠山，多一些陪伴，心里也更踏实。",
    "凡事留三分余地，进可以争取，退也有安身之处。",
)
ENGLISH = (
    "You take your work seriously and keep your word, and you stay calm when things get difficult.",
    "The elements give and take, so it pays to move with the season rather than to force a quick result.",
    "Learning one more craft early on gives you roots, and in the middle years the harvest follows.",
    "Settle money and duties openly before you work with others, and the friendship lasts the longer.",
    "These years favour steady steps: keep the trade you know, then widen it with care.",
    "Regular sleep, fewer late nights and plain food do more for you than any remedy.",
    "Help comes from old acquaintances, so keep in touch with them also when you need nothing.",
    "Small sums that grow suit you well, and large ones deserve a second and a third opinion.",
)
THOUGHT = "先看日主强弱，再看月令与五行流通，然后逐章来写。"


def sections(prompt: str) -> list[str]:
    """The section markers in a prompt, each once, in the order of their first mention: those that look like the last.

    A prompt may hold others in what it tells; how to answer stands at its end.
    """
    found = [marker[1].strip() for marker in MARKERS.finditer(prompt)]
    return list(
        dict.fromkeys(one for one in found if one[:2] == found[-1][:2] or one[0] == found[-1][0] in "【")
    )


def paragraph(prompt: str, section: str, count: int) -> str:
    """A few sentences in the prompt's language, always the same for one prompt and section."""
    seed = zlib.crc32(f"{section}{len(prompt)}".encode())
    is_chinese = len(CHINESE.findall(prompt)) * 5 > len(prompt)
    pool, gap = (SENTENCES, "") if is_chinese else (ENGLISH, " ")
    chosen = [pool[(seed + step * 3) % len(pool)] for step in range(count)]
    pillars = list(dict.fromkeys(PILLAR.findall(prompt)))[:4]
    if pillars and is_chinese:
        chosen.insert(0, f"您的命局中见{'、'.join(pillars)}。")
    half = (len(chosen) + 1) // 2
    return "\n\n".join(gap.join(part) for part in (chosen[:half], chosen[half:]) if part)


def compose(prompt: str, count: int, content: str, *, wants_json: bool) -> str:
    """The whole answer. `content` is the switch of the same name."""
    if content == "empty":
        return ""
    if wants_json:
        keys = list(dict.fromkeys(KEYS.findall(prompt)))
        keys = keys[:-1] if content == "missing" else keys
        return orjson.dumps({key: paragraph(prompt, key, count) for key in keys}).decode()
    wanted = sections(prompt)
    if content == "missing":
        wanted = wanted[:-1]
    if content == "plain" or not wanted:
        return paragraph(prompt, "", count)
    return "\n\n".join(f"{section}\n{paragraph(prompt, section, count)}" for section in wanted)


def tokens(text: str) -> list[str]:
    """The text in pieces of about a token each."""
    return re.findall(r"[\x21-\x7e]{1,4}|[\s]+|[^\x00-\x7f]{1,2}", text)
