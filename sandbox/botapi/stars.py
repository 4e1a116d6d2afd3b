"""Payments in Telegram Stars: sendInvoice, createInvoiceLink, answerPreCheckoutQuery, refunds and transactions."""

from sandbox.actions import give_back
from sandbox.botapi.access import conversation_for
from sandbox.botapi.calls import Call, method
from sandbox.botapi.checks import MISSING
from sandbox.botapi.content import post
from sandbox.botapi.entities import units
from sandbox.botapi.errors import bad_request
from sandbox.shapes import Json
from sandbox.stars import CURRENCY, Movement, Offer

LONGEST_TITLE, LONGEST_DESCRIPTION, LONGEST_PAYLOAD = 32, 255, 128
MOST_STARS = 10_000
PAGE = 100


@method("sendInvoice")
def send_invoice(call: Call) -> Json:
    """Ask for Stars in a chat. A keyboard has to begin with the button that pays."""
    conversation = conversation_for(call)
    offer = offer_of(call)
    refuse_keyboard_without_pay(call.args.get("reply_markup"))
    invoice = {
        "title": offer.title, "description": offer.description,
        "start_parameter": call.args.get("start_parameter", ""), "currency": CURRENCY, "total_amount": offer.amount,
    }  # fmt: skip
    message = post(call, conversation, {"invoice": invoice})
    key = (call.bot.id, int(conversation.chat["id"]), int(message["message_id"]))
    call.world.stars.messages[key] = offer
    return message


@method("createInvoiceLink")
def create_invoice_link(call: Call) -> str:
    """A link to an invoice, which anybody may pay, again and again."""
    if "subscription_period" in call.args:
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
    call.world.dirty = True
    return f"https://t.me/${call.world.stars.add_link(offer_of(call))}"


@method("answerPreCheckoutQuery")
def answer_pre_checkout_query(call: Call) -> bool:
    """Tell a payer who waits that all is well, or what is wrong."""
    checkout = call.world.stars.checkouts.get(call.args["pre_checkout_query_id"])
    late = checkout is None or checkout.bot_id != call.bot.id or checkout.answer.done()
    if late or checkout is None or checkout.expires_at <= call.world.clock.now():
        raise bad_request(MISSING["callback_query_id"])
    error = call.args.get("error_message", "")
    if not call.args["ok"] and not error.strip():
        raise bad_request("error_message must be non-empty")
    checkout.answer.set_result("" if call.args["ok"] else error)
    return True


@method("refundStarPayment")
def refund_star_payment(call: Call) -> bool:
    """Give all Stars of one payment back."""
    charge, person_id = call.args["telegram_payment_charge_id"], call.args["user_id"]
    found = [one for one in call.world.stars.of_bot(call.bot.id) if one.charge == charge]
    if not found or found[0].person_id != person_id:
        raise bad_request("CHARGE_NOT_FOUND")
    if len(found) > 1:
        raise bad_request("CHARGE_ALREADY_REFUNDED")
    give_back(call.world, call.bot, found[0])
    return True


@method("getStarTransactions")
def get_star_transactions(call: Call) -> Json:
    """The bot's movements of Stars, the oldest first."""
    offset, limit = call.args.get("offset", 0), call.args.get("limit", PAGE)
    if offset < 0 or not 1 <= limit <= PAGE:
        raise bad_request("OFFSET_INVALID" if offset < 0 else "LIMIT_INVALID")
    found = call.world.stars.of_bot(call.bot.id)[offset : offset + limit]
    return {"transactions": [transaction(call, one) for one in found]}


def transaction(call: Call, one: Movement) -> Json:
    """As a StarTransaction: money that came has a source, money that went a receiver."""
    partner = {
        "type": "user", "transaction_type": "invoice_payment", "user": call.world.person(one.person_id).user(),
        "invoice_payload": one.payload,
    }  # fmt: skip
    return {
        "id": one.charge,
        "amount": one.amount,
        "date": one.at,
        "receiver" if one.is_refund else "source": partner,
    }


def offer_of(call: Call) -> Offer:
    """What an invoice asks for; raises ApiError."""
    args = call.args
    for name, longest in (("title", LONGEST_TITLE), ("description", LONGEST_DESCRIPTION)):
        if not 0 < units(args[name].strip()) <= longest:
            raise bad_request(f"INVOICE_{name.upper()}_INVALID")
    if not 0 < len(args["payload"].encode()) <= LONGEST_PAYLOAD:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    if args["currency"] != CURRENCY or args.get("provider_token"):
        # Money of other kinds goes through payment providers, which a sandbox does not have.
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    prices = args["prices"]
    price = prices[0] if len(prices) == 1 and isinstance(prices[0], dict) else {}
    amount, label = price.get("amount"), price.get("label")
    if type(amount) is not int or not isinstance(label, str) or not label:
        raise bad_request("STARS_INVOICE_INVALID" if prices else "PRICES_INVALID")
    if not 1 <= amount <= MOST_STARS:
        raise bad_request("STARS_INVOICE_INVALID")
    return Offer(call.bot.id, args["title"], args["description"], args["payload"], amount)


def refuse_keyboard_without_pay(markup: Json | None) -> None:
    """Raise ApiError unless there is no keyboard, or its first button pays."""
    rows = (markup or {}).get("inline_keyboard")
    if not rows:
        return
    first = rows[0][0] if isinstance(rows, list) and isinstance(rows[0], list) and rows[0] else {}
    if not isinstance(first, dict) or not first.get("pay"):
        raise bad_request("the first button of an invoice must be a Pay button")
