#!/usr/bin/env python3
"""Writes the seeds that fuzzing begins with, from webhooks of our own making. Needs only Python."""

import json
import pathlib
import struct
import zlib

HERE = pathlib.Path(__file__).parent
NUMBER = {"display_phone_number": "15550000001", "phone_number_id": "100000000000001"}
CONTACTS = [{"profile": {"name": "Jana"}, "wa_id": "420777123456", "user_id": "CZ.1349"}]


def message(kind, content, **more):
    return {"id": f"wamid.{kind}", "from": "420777123456", "timestamp": "1795400000",
            "type": kind, kind: content, **more}


def webhook(field="messages", **value):
    value = {"messaging_product": "whatsapp", "metadata": NUMBER, **value}
    return {"object": "whatsapp_business_account",
            "entry": [{"id": "2", "changes": [{"field": field, "value": value}]}]}


PHOTO = {"id": "9", "mime_type": "image/jpeg", "caption": "lunch", "url": "https://lookaside.fbsbx.com/x",
         "sha256": "SfInY0gGKTsJlUWbwxC1k+FAD0FZHvzwfpvO0zX0GUI="}
BODIES = {
    "photo": webhook(contacts=CONTACTS, messages=[message("image", PHOTO)]),
    "document": webhook(messages=[message("document", {"id": 9, "mime_type": "application/pdf"})]),
    "reply": webhook(messages=[message("text", {"body": "12,50 \ud83d"}, context={"id": "wamid.q"})]),
    "button": webhook(messages=[message("interactive", {"type": "button_reply",
                      "button_reply": {"id": "entry:7:right", "title": "Right"}})]),
    "silent": webhook(messages=[message(it, {}) for it in ("reaction", "revoke", "system", "order")]),
    "statuses": webhook(statuses=[{"id": "wamid.s", "status": it, "timestamp": 1795400000,
                        "biz_opaque_callback_data": "0198f3a5-ac96-774b-bcce-b302099a8057",
                        "errors": [{"code": 131047}]} for it in ("sent", "failed", "?")]),
    "account": webhook("account_update", event="DISABLED_UPDATE"),
    "odd": {"entry": [7, {}, {"changes": [{"field": "messages", "value": {"messages": {"id": "\0"}}}]}]},
}


def record(body, photos):
    header = json.dumps({
        "received_at": "2026-11-23T10:00:00.123456Z", "trace_parent": "00-1-2-01",
        "body_bytes": len(body),
        "photos": [{"wamid": "wamid.image", "mime": "image/jpeg", "bytes": len(it)} for it in photos],
    }).encode()
    rest = header + body + b"".join(photos)
    return b"PGN1" + struct.pack("<IQI", len(header), len(rest) - len(header), zlib.crc32(rest)) + rest


def write(target, name, seed):
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(seed)


for name, payload in BODIES.items():
    body = json.dumps(payload, separators=(",", ":")).encode()
    write("parse", name, body)
    write("spool", name, record(body, [b"\xff\xd8\xff\xe0"]))
    write("verify", name, b"sha256=" + b"7f" * 32 + body)
write("spool", "two", record(b"first", []) + record(b"", [b"", b"\xff\xd8"]))

RECEIPTS = {
    "cafe": "THE COPPER KETTLE\n12 Mill Lane\n19/11/2026 12:41\nFlat white  3.40\nSoup  8.50\n"
            "VAT 20%  1.98\nTOTAL GBP  11.90\nCash 20.00\nChange 8.10",
    "potraviny": "POTRAVINY U LÍPY\nIČO 12345678 DIČ CZ12345678\nDne 21.11.2026\nChléb 39,90 Kč\n"
                 "Mléko 2 x 21,50  43,00\nZaokrouhlení 0,10\nCelkem 83,- Kč\nDPH 12 % 8,89",
    "tankhof": "Tankhof Meisenbrunn\nSteuernr. 12/345/67890\n14.11.26\nDiesel 45,210 l\n"
               "Summe EUR 1.080,43\nMwSt 19,00 % 172,51\nBAR 1.100,00\nRückgeld -19,57",
    "dong": "CÀ PHÊ\nNgày 2026-11-03\nTổng cộng 146.010 đ\nTiền mặt 150.000",
}
for name, text in RECEIPTS.items():
    write("fields", name, text.encode())
