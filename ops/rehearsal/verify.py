"""Checks of a finished campaign: the numbers add up, and the networks' record agrees message by message. Pure functions, so that
they can be tested with a lie in them."""
from collections import Counter, defaultdict

FAILED_RECEIPTS = {"UNDELIV", "EXPIRED", "DELETED", "REJECTD"}
STATES = {"PENDING": "pending", "IN_FLIGHT": "in_flight", "SENT": "sent", "INTENT_DELIVERED": "delivered", "FAILED": "failed",
          "UNCONFIRMED": "unconfirmed", "WITHHELD": "withheld"}


def total(value):
    return sum(value.values()) if isinstance(value, dict) else value


def equations(report, intents):
    """What does not add up: in the report, and between it and a recount of the intents."""
    problems = []

    def equal(what, left, right):
        if left != right:
            problems.append(f"{what}: {left} is not {right}")

    equal("matched = members + excluded", report["matched"], report["members"] + total(report["excluded"]))
    equal("members = intents", report["members"], report["intents"])
    equal("intents = pending + in_flight + sent + delivered + failed + unconfirmed + withheld", report["intents"],
          sum(total(report[word]) for word in STATES.values()))
    equal("intents listed", len(intents), report["intents"])
    equal("one intent a person", len({intent["person"] for intent in intents}), len(intents))
    counted = Counter(STATES[intent["state"]] for intent in intents)
    for word in STATES.values():
        equal(f"{word} by recount", counted[word], total(report[word]))
    for word, state in (("failed", "FAILED"), ("withheld", "WITHHELD")):
        reasons = Counter(intent["reason"] for intent in intents if intent["state"] == state)
        equal(f"reasons of {word} by recount", dict(reasons), {r: n for r, n in report[word].items() if n})
    if report["bounced"] > total(report["failed"]):
        problems.append("bounced are among failed, but there are more of them")
    return problems


def expected_submissions(intent):
    """(least, most) messages that the network must have accepted for an intent."""
    state = intent["state"]
    if state in ("SENT", "INTENT_DELIVERED"):
        return 1, 1
    if state == "FAILED":  # accepted and reported failed later; or refused, or never tried
        return (1, 1) if intent["provider_ids"] else (0, 0)
    if state in ("UNCONFIRMED", "IN_FLIGHT"):
        return 0, 1
    return 0, 0


def message_by_message(intents, journal, endpoint_of):
    """Disagreements between what we say of each intent and what the network recorded. `endpoint_of`: number → endpoint."""
    problems = []
    planned, accepted = defaultdict(list), defaultdict(list)
    for intent in intents:
        planned[intent["endpoint"]].append(expected_submissions(intent))
        for hop in intent.get("earlier", []):  # given up after a known failure: accepted at most once, and then reported failed
            accepted_once = 1 if hop["provider_ids"] else 0
            planned[hop["endpoint"]].append((accepted_once, accepted_once))
    for submission in journal.submissions:
        if not submission.is_confirmation:
            accepted[endpoint_of[submission.dest]].append(submission)
    for endpoint in planned.keys() | accepted.keys():
        bounds = planned[endpoint]
        least, most = sum(low for low, _ in bounds), sum(high for _, high in bounds)
        if not least <= len(accepted[endpoint]) <= most:
            states = [f"{intent['name']} {intent['state']} {intent['reason']}" for intent in intents
                      if endpoint in (intent["endpoint"], *(hop["endpoint"] for hop in intent.get("earlier", [])))]
            problems.append(f"{endpoint}: the network accepted {len(accepted[endpoint])}, we say {states or 'nobody'}")
    by_id = {submission.id: submission for submission in journal.submissions}
    for intent in intents:
        problems += _ids_agree(intent, by_id, journal, endpoint_of)
        problems += [f"{intent['name']}: went on to another channel, but {hop['channel']} had not failed at the network"
                     for hop in intent.get("earlier", [])
                     if any(i in by_id and not FAILED_RECEIPTS & set(journal.receipts.get(i, [])) for i in hop["provider_ids"])]
    return problems


def _ids_agree(intent, by_id, journal, endpoint_of):
    """The provider's ids that we keep are those of that number, and a receipt stands behind "delivered"."""
    if intent["state"] not in ("SENT", "INTENT_DELIVERED"):
        return []
    known = [by_id[i] for i in intent["provider_ids"] if i in by_id]
    if not known:
        # Settled by a receipt alone, after its answer was lost: then the receipt's message is looked for by its number.
        return [] if intent["state"] == "INTENT_DELIVERED" and not intent["provider_ids"] else [
            f"{intent['name']}: the network does not know its ids"]
    problems = []
    if any(endpoint_of[submission.dest] != intent["endpoint"] for submission in known):
        problems.append(f"{intent['name']}: its ids belong to another number")
    states = {state for submission in known for state in journal.receipts.get(submission.id, [])}
    if intent["state"] == "INTENT_DELIVERED" and "DELIVRD" not in states:
        problems.append(f"{intent['name']}: said to be delivered, but the network sent no such receipt")
    return problems


def duplicates(intents, journal, endpoint_of):
    """Messages beyond the first to one number, or to one person; a message reported failed later does not count."""
    def stands(submission):
        return not FAILED_RECEIPTS & set(journal.receipts.get(submission.id, []))

    messages = Counter(endpoint_of[s.dest] for s in journal.submissions if not s.is_confirmation and stands(s))
    numbers = sum(count - 1 for count in messages.values())
    people = Counter()
    for intent in intents:
        if intent["state"] in ("SENT", "INTENT_DELIVERED") and messages[intent["endpoint"]]:
            people[intent["person"]] += 1
    confirmations = Counter(s.dest for s in journal.submissions if s.is_confirmation)
    return numbers + sum(count - 1 for count in people.values()) + sum(count - 1 for count in confirmations.values())


def after_stop(journal, endpoint_of, acknowledged, person_of=None, people=None):
    """Messages whose completing byte arrived after the opt-out covering them was acknowledged: of their endpoint (`acknowledged`:
    endpoint → nanoseconds), or of their person (`people`: person → nanoseconds; `person_of`: message id → person). Tolerance: none.
    The one confirmation does not count."""
    late = []
    for submission in journal.submissions:
        person = (person_of or {}).get(submission.id, "")
        stops = [t for t in (acknowledged.get(endpoint_of[submission.dest]), (people or {}).get(person)) if t is not None]
        if stops and submission.t_ns > min(stops) and not submission.is_confirmation:
            late.append(f"{endpoint_of[submission.dest]}: {(submission.t_ns - min(stops)) / 1e6:.3f} ms after")
    return late


def person_of_message(intents):
    """Message id → person, for every message that the networks accepted."""
    ids = {}
    for intent in intents:
        for i in [*intent["provider_ids"], *(i for hop in intent.get("earlier", []) for i in hop["provider_ids"])]:
            ids[i] = intent["person"]
        if intent.get("attempt"):
            ids.setdefault(intent["attempt"], intent["person"])
    return ids


def watched(shown, report):
    """(problems, 99th percentile of the lag in seconds) of what a watcher saw: `shown` is (nanoseconds, counters) in order. Every
    value adds up, and the last one is the report. Lag: from dispatch's commit to the moment when the value was read."""
    problems, lags, position = [], [], 0
    for read_ns, counters in shown:
        tally = counters["tally"]
        parts = sum(total(tally[word]) for word in STATES.values())
        if tally["intents"] != parts:
            problems.append(f"a watcher saw {tally['intents']} intents, but {parts} in their states")
        if counters["position"] != position and position:
            lags.append(read_ns / 1e9 - counters["event_time_us"] / 1e6)
        position = counters["position"]
    if not shown:
        return ["the watcher saw nothing"], 0.0
    last = shown[-1][1]["tally"]
    for word in ("intents", *STATES.values()):
        left, right = last[word], report[word]
        left, right = ({k: v for k, v in x.items() if v} if isinstance(x, dict) else x for x in (left, right))
        if left != right:
            problems.append(f"the watcher's last {word} is {left}, the report's {right}")
    lags.sort()
    return problems, lags[min(len(lags) - 1, int(len(lags) * 0.99))] if lags else 0.0
