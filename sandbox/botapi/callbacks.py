"""answerCallbackQuery."""

from sandbox.botapi.calls import Call, method
from sandbox.botapi.checks import MISSING
from sandbox.botapi.entities import units
from sandbox.botapi.errors import bad_request

LONGEST_ANSWER = 200


@method("answerCallbackQuery")
def answer_callback_query(call: Call) -> bool:
    """Tell the person who pressed a button that it was noticed."""
    query_id, now = call.args["callback_query_id"], call.world.clock.now()
    callbacks = call.bot.callbacks
    while callbacks and next(iter(callbacks.values())).expires_at <= now:
        callbacks.popitem(last=False)
    callback = callbacks.get(query_id)
    if callback is None:
        raise bad_request(MISSING["callback_query_id"])
    text = call.args.get("text", "")
    if units(text) > LONGEST_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    callback.conversation.note({
        "type": "answer", "callback_query_id": query_id, "user_id": callback.person_id, "text": text,
        "show_alert": call.args.get("show_alert", False), "url": call.args.get("url", ""),
    })  # fmt: skip
    return True
