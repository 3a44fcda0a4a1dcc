"""The networks' own record (pharos-sandbox --journal): what they really got, by SMS and by email, and when."""
import json
from dataclasses import dataclass, field

# The one message that may follow a STOP: services/dispatch/desk.h, kConfirmationText.
CONFIRMATION_PREFIX = "You have been opted out"


@dataclass
class Submission:
    """One message that the network accepted. The parts of one SMS count as one; its time is that of its last part."""
    dest: str
    id: str
    t_ns: int
    text: str
    parts: int = 1
    channel: str = "CHANNEL_SMS"

    @property
    def is_confirmation(self):
        return self.channel == "CHANNEL_SMS" and self.text.startswith(CONFIRMATION_PREFIX)


@dataclass
class Journal:
    submissions: list = field(default_factory=list)   # accepted
    refused: list = field(default_factory=list)       # (channel, dest) of each refused one
    receipts: dict = field(default_factory=dict)      # message id → the receipts' states
    stop_replies: dict = field(default_factory=dict)  # number → kernel time of its first STOP
    unsubscribed: dict = field(default_factory=dict)  # id of the mail whose unsubscribe address was written to → when
    pressed: dict = field(default_factory=dict)       # id of the mail whose one-click address was posted to → when
    clicked: dict = field(default_factory=dict)       # id of such a mail → when the post was answered 200


def read(path):
    with open(path, encoding="utf-8") as lines:
        return parse(lines)


def parse(lines):
    journal, open_parts = Journal(), {}
    for line in lines:
        if not line.endswith("\n"):
            continue  # still being written
        event = json.loads(line)
        kind = event["event"]
        if kind == "submit":
            _add_submission(journal, open_parts, event)
        elif kind == "mail":
            _add_mail(journal, event)
        elif kind == "receipt":
            journal.receipts.setdefault(event["id"], []).append(event["state"])
        elif kind == "dsn":
            state = "UNDELIV" if event["action"] == "failed" else event["action"]
            journal.receipts.setdefault(_mail_id(event), []).append(state)
        elif kind == "reply" and event["text"].strip().upper() == "STOP":
            journal.stop_replies.setdefault(event["source"], event["t_ns"])
        elif kind == "unsubscribe":
            journal.unsubscribed.setdefault(_mail_id(event), event["t_ns"])
        elif kind == "one_click":
            journal.pressed.setdefault(_mail_id(event), event["t_ns"])
        elif kind == "one_click_acked":
            journal.clicked.setdefault(_mail_id(event), event["t_ns"])
    return journal


def _mail_id(event):
    """Our id of an email: the Message-ID up to its '@', which is the attempt."""
    return event["message_id"].strip("<>").partition("@")[0]


def _add_mail(journal, event):
    if event["status"] != 250:
        journal.refused.append(("CHANNEL_EMAIL", event["dest"]))
        return
    journal.submissions.append(Submission(event["dest"], _mail_id(event), event["t_ns"], event["subject"], channel="CHANNEL_EMAIL"))


def _add_submission(journal, open_parts, event):
    if event["status"] != 0:
        journal.refused.append(("CHANNEL_SMS", event["dest"]))
        return
    key = (event["dest"], event["ref"])
    known = open_parts.get(key)
    if event["parts"] > 1 and event["part"] > 1 and known is not None:
        known.t_ns = max(known.t_ns, event["t_ns"])
        known.text += event["text"]
        return
    submission = Submission(event["dest"], event["id"], event["t_ns"], event["text"], event["parts"])
    journal.submissions.append(submission)
    if event["parts"] > 1:
        open_parts[key] = submission
