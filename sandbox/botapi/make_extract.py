"""Make `extract.json`, the part of the Bot API description that the sandbox speaks.

Run `python -m sandbox.botapi.make_extract telegram-bot-api.json` after a new Bot API version came out.
"""

import json
import sys
from pathlib import Path
from typing import Any

SOURCE = "PaulSonOfLars/telegram-bot-api-spec @160fd99 (2026-06-18), MIT, see extract.LICENSE"

METHODS = [
    "answerCallbackQuery",
    "answerPreCheckoutQuery",
    "close",
    "createInvoiceLink",
    "deleteMessage",
    "deleteMyCommands",
    "deleteWebhook",
    "editMessageCaption",
    "editMessageMedia",
    "editMessageReplyMarkup",
    "editMessageText",
    "getChat",
    "getChatMember",
    "getFile",
    "getMe",
    "getMyCommands",
    "getStarTransactions",
    "getUpdates",
    "getUserChatBoosts",
    "getWebhookInfo",
    "logOut",
    "refundStarPayment",
    "sendChatAction",
    "sendDocument",
    "sendInvoice",
    "sendMessage",
    "sendPhoto",
    "setMyCommands",
    "setWebhook",
]

TYPES = [
    "AcceptedGiftTypes",
    "BotCommand",
    "CallbackQuery",
    "Chat",
    "ChatBoost",
    "ChatBoostSource",
    "ChatBoostSourceGiftCode",
    "ChatBoostSourceGiveaway",
    "ChatBoostSourcePremium",
    "ChatFullInfo",
    "ChatMember",
    "ChatMemberAdministrator",
    "ChatMemberBanned",
    "ChatMemberLeft",
    "ChatMemberMember",
    "ChatMemberOwner",
    "ChatMemberRestricted",
    "ChatMemberUpdated",
    "CopyTextButton",
    "Document",
    "File",
    "ForceReply",
    "InlineKeyboardButton",
    "InlineKeyboardMarkup",
    "InputMediaDocument",
    "InputMediaPhoto",
    "Invoice",
    "KeyboardButton",
    "LabeledPrice",
    "LinkPreviewOptions",
    "MaybeInaccessibleMessage",
    "Message",
    "MessageEntity",
    "OrderInfo",
    "PhotoSize",
    "PreCheckoutQuery",
    "RefundedPayment",
    "ReplyKeyboardMarkup",
    "ReplyKeyboardRemove",
    "ReplyParameters",
    "ResponseParameters",
    "ShippingAddress",
    "StarTransaction",
    "StarTransactions",
    "SuccessfulPayment",
    "TransactionPartner",
    "TransactionPartnerUser",
    "Update",
    "User",
    "UserChatBoosts",
    "WebAppInfo",
    "WebhookInfo",
    "InaccessibleMessage",
]


def fields_of(entry: dict[str, Any]) -> dict[str, list[str]]:
    """Fields by name: the types it may have, with a leading "required" where it must be there."""
    return {
        field["name"]: (["required"] if field["required"] else []) + field["types"]
        for field in entry.get("fields", [])
    }


def extract(description: dict[str, Any]) -> dict[str, Any]:
    """Keep the parameters and answers of METHODS and the fields of TYPES; drop all prose."""
    methods = {
        name: {"returns": entry["returns"], "fields": fields_of(entry)}
        for name, entry in ((name, description["methods"][name]) for name in METHODS)
    }
    types = {}
    for name in sorted(TYPES):
        entry = description["types"][name]
        types[name] = {"any_of": entry["subtypes"]} if "subtypes" in entry else {"fields": fields_of(entry)}
    return {"source": SOURCE, "version": description["version"], "methods": methods, "types": types}


def one_line_each(data: dict[str, Any]) -> str:
    """JSON with one method or type in a line, so that a new version gives a readable diff."""
    parts = [f'"source": {json.dumps(data["source"])}', f'"version": {json.dumps(data["version"])}']
    for group in ("methods", "types"):
        lines = ",\n".join(
            f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in data[group].items()
        )
        parts.append(f'"{group}": {{\n{lines}\n}}')
    return "{" + ",\n".join(parts) + "}\n"


def main() -> None:
    """Read the full description named on the command line, write the extract beside this file."""
    description = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    target = Path(__file__).with_name("extract.json")
    target.write_text(one_line_each(extract(description)), encoding="utf-8")


if __name__ == "__main__":
    main()
