"""Reports as people get them: progress that becomes a file, and files that open."""

import json

import requests

from tests.sandbox.test_shapes import check
from tests.sandbox_client import LIN

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def upload(sandbox, bot, method, files, **fields):
    url = f"{sandbox.url}/bot{bot['token']}/{method}"
    return requests.post(url, data={"chat_id": LIN, **fields}, files=files, timeout=5).json()


def test_a_progress_message_becomes_the_document(sandbox, bot):
    sent = sandbox.api(bot, "sendMessage", chat_id=LIN, text="正在撰写… 80%")["result"]
    media = json.dumps({"type": "document", "media": "attach://report", "caption": "您的报告"})
    files = {"report": ("八字报告.pdf", PDF, "application/pdf")}
    done = check(
        "editMessageMedia",
        upload(sandbox, bot, "editMessageMedia", files, message_id=sent["message_id"], media=media),
    )
    assert "text" not in done
    assert (done["document"]["file_name"], done["document"]["mime_type"]) == (
        "八字报告.pdf",
        "application/pdf",
    )
    assert sandbox.download(done["document"]["file_id"]) == PDF
    again = upload(sandbox, bot, "editMessageMedia", files, message_id=sent["message_id"], media=media)
    assert again["result"]["message_id"] == sent["message_id"]
    assert len(sandbox.messages(bot, LIN)) == 2


def test_a_pdf_opens_and_other_files_are_saved(sandbox, bot):
    told = upload(sandbox, bot, "sendDocument", {"document": ("报告.pdf", PDF)})["result"]["document"]
    other = upload(sandbox, bot, "sendDocument", {"document": ("x.pdf", b"<html>")})["result"]["document"]
    opened = requests.get(f"{sandbox.url}/media/{told['file_id']}", timeout=5)
    assert opened.headers["Content-Type"] == "application/pdf"
    assert opened.headers["Content-Disposition"].startswith("inline")
    saved = requests.get(f"{sandbox.url}/media/{other['file_id']}", timeout=5)
    assert saved.headers["Content-Disposition"].startswith("attachment")


def test_documents_are_neither_empty_nor_too_large(sandbox, bot):
    empty = upload(sandbox, bot, "sendDocument", {"document": ("a.pdf", b"")})
    assert empty["description"] == "Bad Request: file must be non-empty"
    large = upload(sandbox, bot, "sendDocument", {"document": ("a.pdf", bytes(50 * 1024 * 1024 + 1))})
    assert large["error_code"] == 413
    long = upload(sandbox, bot, "sendDocument", {"document": ("a.pdf", PDF)}, caption="长" * 1025)
    assert long["description"] == "Bad Request: message caption is too long"


def test_a_button_s_link_can_be_found(sandbox, bot):
    rows = [[{"text": "去付款 ¥19.90", "url": "http://127.0.0.1/pay/x"}]]
    sandbox.api(bot, "sendMessage", chat_id=LIN, text="x", reply_markup={"inline_keyboard": rows})
    assert sandbox.button_url(bot, LIN, "付款") == "http://127.0.0.1/pay/x"
