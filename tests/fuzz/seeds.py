"""Writes the first seeds of every target into a folder: small inputs of the right shape, made here from nothing else.

  seeds.py FOLDER     FOLDER/<target>/…; samples of ../shared/data/wire are added where that folder is present
"""
import os
import struct
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SAMPLES = os.path.join(os.path.dirname(ROOT), "shared", "data", "wire")
MOST_SAMPLE_BYTES = 64 * 1024
MOST_SAMPLES = 300  # of a folder


def pdu(command, body=b"", status=0, sequence=1):
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def message(text, esm=0, coding=0, tlvs=b""):
    return (b"\0\1\1447700900100\0\0\00060777\0" + bytes([esm, 0, 0]) + b"\0\0" + bytes([0, 0, coding, 0, len(text)]) + text + tlvs)


def tlv(tag, value):
    return struct.pack(">HH", tag, len(value)) + value


RECEIPT = b"id:12345 sub:001 dlvrd:001 submit date:2611230101 done date:2611230102 stat:DELIVRD err:000 text:Hello"
DSN = (
    "From: postmaster@example.org\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n\r\n"
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\nOriginal-Envelope-Id: abc\r\n\r\n"
    "Final-Recipient: rfc822; a@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n").encode()
ARF = (
    "From: fbl@example.org\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=\"b\"\r\n\r\n"
    "--b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n\r\n"
    "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: fbl/1\r\nVersion: 1\r\n"
    "Original-Mail-From: <b+x@bounces.example.org>\r\n\r\n"
    "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <00112233445566778899aabbccddeeff@example.org>\r\nSubject: hi\r\n\r\nhi\r\n--b--\r\n").encode()
NOTIFICATION = (
    b'{"id":"740e5834-3a29-46b4-9a6f-16142fde533a","reference":"00112233445566778899aabbccddeeff","status":"delivered",'
    b'"type":"sms","created_at":"2026-11-23T12:15:30.000000Z","completed_at":"2026-11-23T12:15:31.000000Z"}')
LETTER = (b"EHLO a\r\nMAIL FROM:<> SIZE=100\r\nRCPT TO:<~b>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\n"
          b"MAIL FROM:<c@d.example>\r\nRCPT TO:<~u>\r\nDATA\r\nstop\r\n.\r\nQUIT\r\n")

SEEDS = {
    "smpp_pdu": [
        pdu(0x15), pdu(0x80000015), pdu(9, b"user\0word\0\0\x34\0\0\0"), pdu(0x80000009, b"smsc\0"),
        pdu(4, message(b"Hello")), pdu(0x80000004, b"id1\0"), pdu(5, message(RECEIPT, esm=4)),
        pdu(5, message(b"\5\0\3\1\2\1part", esm=0x40) + tlv(0x424, b"more")), pdu(0x103, b"\0\0\0a\0\0\0b\0\0\0\0" + tlv(0x424, b"t")),
        pdu(3, b"id1\0\0\0a\0"), pdu(0x15) + pdu(6) + b"\0\0\0\x20", pdu(0x80000000, status=3)],
    "smpp_receipt": [
        b"\4\0\0\0" + RECEIPT, b"\4\0\0\0" + RECEIPT.lower().replace(b"date:", b"Date:"),
        b"\0\0\xff\0" + b"\3abc\1\2\2\0\7\3\0\0\1", b"\x44\0\0\0\5\0\3\1\2\1" + RECEIPT, b"\4\0\0\0stat:UNDELIV id:0xAB err:00b"],
    "smpp_inbound": [b"\0\0\0\0\0STOP", b"\x40\0\0\0\0\5\0\3\7\2\1STOP", b"\0\10\0\0\0\0S\0T\0O\0P", b"\0\3\0\0\0caf\xe9"],
    "sms_text": ["Hello".encode(), "€[]{}".encode() * 30, "Ŵŷ 😀".encode() * 20, ("a" * 152 + "€" + "b" * 20).encode(), b"\x1b\x65\x1b"],
    "email_template": ["\4AdaaFor ((first name))\nDear ((first name)),\n\nstop **today**: [how](https://example.org).\n".encode(),
                       b"\1yHi\n# ((given name))\n\n- ((postcode??near you))\n- `code`\n\n> quote\n\n```\nx\n```\n",
                       b"\x09<b>x</b>*Hi\n((first name)) & [a](mailto:a@example.org)\n\n1. one\n2. two\n"],
    "smtp_dsn": [DSN, ARF, b"From: a@example.org\r\nAuto-Submitted: auto-replied\r\n\r\ngone fishing\r\n",
                 b"From: a@example.org\r\nSubject: unsubscribe\r\n\r\nplease\r\n"],
    "smtp_reply": [b"250 2.0.0 ok\r\n", b"250-a\r\n250-PIPELINING\r\n250 SIZE 10\r\n", b"550 5.1.1 no such user\r\n",
                   b"421 4.7.0 closing\r\n452 4.2.2 full\r\n", b"5.1.1 (x)"],
    "smtp_guest": [LETTER, b"HELO a\r\nNOOP\r\nVRFY x\r\nRSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n"],
    "smtp_address": [b"\0\0\0aaaaaaaaaaaaaaaa", b"\1\5z0123456789abcdef", b"mfrggzdf"],
    "smtp_mime": ["a@example.org\nQuit Team\nb@example.org\nHello\nLine one\n.\nLine ü two=\n".encode(),
                  ("a@example.org\nTîm Rhoi'r Gorau\nb@example.org\n" + "Pwnc hir ŵ " * 12 + "\n" + "x" * 100 + "\n").encode()],
    "notify_answer": [bytes([50]) + b"\0" + NOTIFICATION, bytes([50]) + b"\0" + b'{"notifications":[' + NOTIFICATION + b'],"links":{"next":"https://x"}}',
                      bytes([107]) + b"\5" + b'{"status_code":429,"errors":[{"error":"RateLimitError","message":"Exceeded rate limit"}]}',
                      bytes([100]) + b"\0" + b'{"status_code":400,"errors":[{"error":"ValidationError","message":"phone_number Not enough digits"}]}',
                      bytes([50]) + b"\0" + b'{"type":"email","subject":"((subject))","body":"((body))"}'],
    "notify_callback": [NOTIFICATION, b'{"id":"1","source_number":"447700900100","destination_number":"07700900123","message":"STOP","date_received":"2026-11-23T12:15:30.000000Z"}',
                        b'{"receipts":[{"id":"a1","state":"DELIVERED","done_at":"2026-03-01T09:00:00Z"}],"messages":[{"id":"m1","from":"447700900000","to":"60777","text":"STOP"}]}'],
    "edge_request": [b"/u/abcDEF_-?lang=cy", b"/callbacks/notify/notify-main/receipt", b"/callbacks/signed/x", b"/health?x",
                     b"abc\n1800000000\nv1,AAAA v1,BBBB\napplication/x-www-form-urlencoded\nList-Unsubscribe=One-Click",
                     b"abc\n1800000000\n\nmultipart/form-data; boundary=b\n--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n"],
    "notify_request": [b'{"phone_number":"07700900123","template_id":"26785a09-ab16-4eb0-8407-a37497a57506","personalisation":{"a":["b",1]}}',
                       b'{"email_address":"a@b.c","template_id":"x","one_click_unsubscribe_url":"https://x","reference":7}',
                       b"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLCJpYXQiOjF9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
                       b"Dear ((name)), ((late??sorry)) ((("],
    "notify_http": [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 204 No Content\r\n\r\n",
                    b"HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                    b"HTTP/1.0 500 x\r\nConnection: close\r\n\r\nuntil the end"],
    "csv": [b"a,b,c\r\n1,\"two\",3\r\n", b"\xef\xbb\xbfname,phone\n\"O\"\"Brien\",07700 900123\n\n\"open\n", b"a,b\nx\"y,z\n\xff,\0\n"],
    "clean": [b"\x00+44 (0)7700 900123", b"\x01Ada@Example.ORG ", "\x02DR  NOAH o'brien".encode(), b"\x03943 476 5919",
              b"\x0403/02/2001", b"\x05sw1a1aa", b"\x06Sleep; diet", b"\x072026-11-23T01:02:03.5+01:00"],
    "config": [b'mode = "trial"\n[dispatch]\nlisten = "127.0.0.1:0"\n[connectors.smpp-main]\nprotocol = "smpp"\nhost = "127.0.0.1"\nport = "2775"\n',
               b"[routes.smpp-main]\n[edge]\n[caps]\n"],
}
# Samples of other people's systems, as further seeds: folder → targets.
FOLDERS = {"dsn": ["smtp_dsn"], "not-bounce": ["smtp_dsn"], "arf": ["smtp_dsn"], "smpp": ["smpp_pdu"]}


def main():
    folder = sys.argv[1]
    for target, seeds in SEEDS.items():
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        for number, seed in enumerate(seeds):
            with open(os.path.join(folder, target, f"seed-{number:02}"), "wb") as file:
                file.write(seed)
    for source, targets in FOLDERS.items():
        paths = sorted(os.path.join(at, name) for at, _, names in os.walk(os.path.join(SAMPLES, source)) for name in names)
        for number, path in enumerate(path for path in paths if os.path.getsize(path) <= MOST_SAMPLE_BYTES):
            if number >= MOST_SAMPLES:
                break
            with open(path, "rb") as file:
                sample = file.read()
            for target in targets:
                with open(os.path.join(folder, target, f"sample-{source}-{number:03}"), "wb") as file:
                    file.write(sample)


if __name__ == "__main__":
    main()
