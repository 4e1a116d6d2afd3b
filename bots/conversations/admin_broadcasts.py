"""A broadcast from the chat: the words, who gets it and how many that are, one confirmation, then how far it is.

The words are kept as a draft like one of the pages, so that they outlive everything; the confirmation is the draft's
one move to `running`, which happens once however often the button is pressed.
"""

from typing import Final

from app.core.errors import Conflict, NotFound
from app.core.i18n import N_
from app.domain.broadcasts import Audience, AudienceKind, BroadcastState, Content, halt_words
from app.models import Broadcast
from app.services import broadcasts
from app.services.broadcasts import Draft
from app.services.lotteries import lookup as lotteries
from bots import bossing
from bots.bossing import Boss
from bots.keyboards import Button, ButtonExpired, Keyboard, data, shortened
from bots.router import Context, Router

router = Router()
SHOWN: Final = 3
_WORDS: Final = "boss_news"
_ACTIVE_DAYS: Final = 30
_STATES = {
    BroadcastState.DRAFT: N_("Draft"),
    BroadcastState.SCHEDULED: N_("Scheduled"),
    BroadcastState.RUNNING: N_("Being sent"),
    BroadcastState.PAUSED: N_("Paused"),
    BroadcastState.DONE: N_("Sent to all"),
    BroadcastState.CANCELLED: N_("Cancelled"),
}
_BEGUN = (BroadcastState.RUNNING, BroadcastState.PAUSED, BroadcastState.DONE)
_MOVES = {
    "pause": broadcasts.pause,
    "resume": broadcasts.resume,
    "cancel": broadcasts.cancel,
}


@router.button("adnews")
def news_button(ctx: Context) -> None:
    """Asks for the words; what was sent lately is one press away."""
    with bossing.acting(ctx):
        latest = broadcasts.list_broadcasts(ctx.config.tenant_id, limit=20)
        rows = [[_progress_button(ctx, one)] for one in latest if one.state in _BEGUN][:SHOWN]
    ctx.expect(_WORDS)
    text = N_(
        "📣 Broadcast\n\nWrite the message in one go, as people shall read it. Before anything is sent you see how it looks,"
        " choose who gets it, and confirm.\n\nPictures and buttons can be added on the page. /cancel stops this."
    )
    more = bossing.page_row(ctx, "/admin/broadcasts/")
    ctx.show(ctx.t(text), Keyboard([*rows, *more, [bossing.back(ctx)]]))


@router.step(_WORDS)
def words_written(ctx: Context) -> None:
    """The same words again, after a crash for example, go on with the draft that is there."""
    body = ctx.event.text.strip()
    if not body:
        ctx.say(ctx.t(N_("Please write it as a text message.")))
        return
    with bossing.acting(ctx) as boss:
        draft = _draft_of(ctx, boss, body) or broadcasts.create(
            ctx.config.tenant_id, ctx.config.id, Draft("", Content(body), Audience())
        )
        page = _audiences(ctx, draft)
    ctx.leave()
    ctx.say(body)
    ctx.say(*page)


@router.button("adnewsto")
def audience_button(ctx: Context) -> None:
    """Who gets it was chosen: how many those are, and the button that sends it."""
    with bossing.acting(ctx):
        draft, key = _chosen(ctx), ctx.press.word(1)
        page = _confirm(ctx, draft, key) if draft.state is BroadcastState.DRAFT else _card(ctx, draft)
    ctx.show(*page)


@router.button("adnewswho")
def other_audience_button(ctx: Context) -> None:
    with bossing.acting(ctx):
        draft = _chosen(ctx)
        page = _audiences(ctx, draft) if draft.state is BroadcastState.DRAFT else _card(ctx, draft)
    ctx.show(*page)


@router.button("adnewsgo")
def send_button(ctx: Context) -> None:
    """The confirmation; pressed again it only shows how far it is."""
    with bossing.acting(ctx):
        draft, audience = _chosen(ctx), _audience(ctx, ctx.press.word(1))
        if draft.state is BroadcastState.DRAFT:
            broadcasts.change(draft.id, Draft(draft.name, broadcasts.content_of(draft), audience))
            broadcasts.start(draft.id)
        page = _card(ctx, broadcasts.get(draft.id))
    ctx.show(*page)


@router.button("adnewsat")
def progress_button(ctx: Context) -> None:
    with bossing.acting(ctx):
        page = _card(ctx, _chosen(ctx))
    ctx.show(*page)


@router.button("adnewsdo")
def move_button(ctx: Context) -> None:
    """Pauses, resumes or cancels; cancelling asks once more. What is so already stays so."""
    what = ctx.press.word(1)
    if what not in _MOVES:
        raise ButtonExpired
    ask = what == "cancel" and not bossing.confirmed(ctx, 2)
    refused = ""
    try:
        with bossing.acting(ctx):
            broadcast = _chosen(ctx)
            if not ask:
                _MOVES[what](broadcast.id)
    except Conflict as error:
        refused = error.text(ctx.locale)
    with bossing.acting(ctx):
        broadcast = _chosen(ctx)
        page = _ask_cancel(ctx, broadcast) if ask else _card(ctx, broadcast)
    ctx.show(*page)
    ctx.toast(refused, alert=bool(refused))


def _chosen(ctx: Context) -> Broadcast:
    broadcast = broadcasts.get(ctx.press.id())
    if broadcast.tenant_id != ctx.config.tenant_id:
        raise NotFound
    return broadcast


def _draft_of(ctx: Context, boss: Boss, body: str) -> Broadcast | None:
    drafts = broadcasts.list_broadcasts(ctx.config.tenant_id, state=BroadcastState.DRAFT, limit=5)
    return next(
        (
            one
            for one in drafts
            if one.body == body and one.created_by == boss.email and one.bot_id == ctx.config.id
        ),
        None,
    )


def _audience(ctx: Context, key: str) -> Audience:
    """Who is meant by a button. Needs a transaction; raises ButtonExpired."""
    if key == "latest":
        lottery = lotteries.latest(ctx.config.tenant_id)
        if lottery is None:
            raise ButtonExpired
        return Audience(AudienceKind.ENTRANTS, str(lottery.id))
    known = {
        "all": Audience(),
        "buyers": Audience(AudienceKind.BUYERS),
        "active": Audience(AudienceKind.ACTIVE, str(_ACTIVE_DAYS)),
    }
    if key not in known:
        raise ButtonExpired
    return known[key]


def _audiences(ctx: Context, draft: Broadcast) -> tuple[str, Keyboard]:
    """Each choice with its size of this moment."""
    choices = {
        "all": N_("Everybody: %(count)s"),
        "buyers": N_("Buyers: %(count)s"),
        "active": N_("Active in 30 days: %(count)s"),
    }
    if lotteries.latest(ctx.config.tenant_id) is not None:
        choices["latest"] = N_("In the latest lottery: %(count)s")
    rows = []
    for key, label in choices.items():
        size = broadcasts.size(draft.tenant_id, draft.bot_id, _audience(ctx, key))
        rows.append([Button(ctx.t(label, count=f"{size:,}"), data("adnewsto", draft.id, key))])
    rows.append([Button(ctx.t(N_("✏️ Write it anew")), data("adnews")), bossing.back(ctx)])
    text = N_(
        "👆 So it will look.\n\nWho shall get it? The numbers are people that this bot can reach right now."
    )
    return ctx.t(text), Keyboard(rows)


def _confirm(ctx: Context, draft: Broadcast, key: str) -> tuple[str, Keyboard]:
    size = broadcasts.size(draft.tenant_id, draft.bot_id, _audience(ctx, key))
    text = N_("“%(name)s”\n\nSend this now? People who get it: %(count)s. What was sent can't be taken back.")
    yes = ctx.t(N_("📣 Yes, send it now (%(count)s)"), count=f"{size:,}")
    rows = [[Button(yes, data("adnewsgo", draft.id, key))]] if size else []
    if not size:
        text = N_("“%(name)s”\n\nPeople who get it: %(count)s. Choose others.")
    rows.append([bossing.back(ctx, "adnewswho", draft.id)])
    return ctx.t(text, name=draft.name, count=f"{size:,}"), Keyboard(rows)


def _card(ctx: Context, broadcast: Broadcast) -> tuple[str, Keyboard]:
    progress = broadcasts.progress_of(broadcast)
    state = ctx.t(_STATES[broadcast.state])
    if broadcast.state is BroadcastState.PAUSED and broadcast.error:
        msgid, params = halt_words(broadcast.error)
        state += "\n" + ctx.t(msgid, **params)
    figures = N_(
        "Delivered: %(sent)s\nBlocked or gone: %(blocked)s\nFailed: %(failed)s\nUnclear: %(unknown)s\nStill to come: %(left)s"
    )
    told = ctx.t(
        figures,
        sent=progress.sent,
        blocked=progress.blocked,
        failed=progress.failed,
        unknown=progress.unknown,
        left=progress.left,
    )
    rows = [
        _move_row(ctx, broadcast),
        *bossing.page_row(ctx, f"/admin/broadcasts/details/?id={broadcast.id}"),
    ]
    text = f"📣 “{broadcast.name}”\n\n{state}\n\n{told}"
    return text, Keyboard([*(row for row in rows if row), [bossing.back(ctx)]])


def _move_row(ctx: Context, broadcast: Broadcast) -> list[Button]:
    percent = broadcasts.progress_of(broadcast).percent
    look = Button(ctx.t(N_("🔄 %(percent)s%%"), percent=percent), data("adnewsat", broadcast.id))
    cancel = Button(ctx.t(N_("🚫 Cancel")), data("adnewsdo", broadcast.id, "cancel"))
    if broadcast.state is BroadcastState.RUNNING:
        return [look, Button(ctx.t(N_("⏸ Pause")), data("adnewsdo", broadcast.id, "pause")), cancel]
    if broadcast.state is BroadcastState.PAUSED:
        return [look, Button(ctx.t(N_("▶️ Resume")), data("adnewsdo", broadcast.id, "resume")), cancel]
    return [look] if broadcast.state is BroadcastState.DONE else []


def _ask_cancel(ctx: Context, broadcast: Broadcast) -> tuple[str, Keyboard]:
    text = N_("Stop “%(name)s” for good? Who got it keeps it, nobody else gets it.")
    rows = [
        [Button(ctx.t(N_("🚫 Yes, stop it")), data("adnewsdo", broadcast.id, "cancel", bossing.YES))],
        [bossing.back(ctx, "adnewsat", broadcast.id)],
    ]
    return ctx.t(text, name=broadcast.name), Keyboard(rows)


def _progress_button(ctx: Context, broadcast: Broadcast) -> Button:
    percent = broadcasts.progress_of(broadcast).percent
    label = f"{percent}% · {ctx.t(_STATES[broadcast.state])} · {broadcast.name}"
    return Button(shortened(label), data("adnewsat", broadcast.id))
