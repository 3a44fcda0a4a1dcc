"""The demonstration's own checks can fail: each lie put into a report, an intent or the network's record is found."""
import copy
import json
import os
import sys
import unittest

SOURCE = os.environ.get("PHAROS_SOURCE", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "ops", "rehearsal"))
import journal as network  # noqa: E402
import verify  # noqa: E402

CAMPAIGN_TEXT = "Hello Sam, reply STOP to end."


def submit(dest, message_id, t_ns, text=CAMPAIGN_TEXT, status=0, part=1, parts=1, ref=-1):
    return json.dumps({"event": "submit", "t_ns": t_ns, "dest": dest, "source": "60777", "text": text, "id": message_id,
                       "status": status, "part": part, "parts": parts, "ref": ref, "umr": -1}) + "\n"


def receipt(message_id, state):
    return json.dumps({"event": "receipt", "t_ns": 1, "id": message_id, "state": state}) + "\n"


def intent(person, endpoint, state, reason="", ids=()):
    return {"name": f"campaigns/c/intents/1-{person}", "person": f"people/{person}", "endpoint": endpoint, "state": state,
            "reason": reason, "provider_ids": list(ids)}


class Checks(unittest.TestCase):
    """Five people: delivered, sent, failed, withheld, unconfirmed (and it did go)."""

    def setUp(self):
        self.endpoint_of = {"44a": "e/a", "44b": "e/b", "44c": "e/c", "44d": "e/d", "44e": "e/e"}
        self.lines = [submit("44a", "1", 100), receipt("1", "DELIVRD"), submit("44b", "2", 200), submit("44c", "3", 300),
                      receipt("3", "UNDELIV"), submit("44e", "5", 500)]
        self.intents = [intent("a", "e/a", "INTENT_DELIVERED", ids=["1"]), intent("b", "e/b", "SENT", ids=["2"]),
                        intent("c", "e/c", "FAILED", "UNDELIVERABLE", ids=["3"]), intent("d", "e/d", "WITHHELD", "OPTED_OUT"),
                        intent("e", "e/e", "UNCONFIRMED", "CONNECTOR_LOST")]
        self.report = {"matched": 7, "members": 5, "excluded": {"NO_CONSENT": 2}, "intents": 5, "pending": 0, "in_flight": 0,
                       "sent": 1, "delivered": 1, "failed": {"UNDELIVERABLE": 1}, "unconfirmed": 1, "withheld": {"OPTED_OUT": 1},
                       "bounced": 1, "opted_out": 0}

    def disagreements(self, more=()):
        record = network.parse(self.lines + list(more))
        return verify.message_by_message(self.intents, record, self.endpoint_of)

    def twice(self, more=()):
        return verify.duplicates(self.intents, network.parse(self.lines + list(more)), self.endpoint_of)

    def test_the_truth_passes(self):
        self.assertEqual(verify.equations(self.report, self.intents), [])
        self.assertEqual(self.disagreements(), [])
        self.assertEqual(self.twice(), 0)

    def test_a_number_that_does_not_add_up_is_found(self):
        for word in ("matched", "members", "intents", "pending", "sent", "delivered", "unconfirmed"):
            report = copy.deepcopy(self.report)
            report[word] += 1
            self.assertTrue(verify.equations(report, self.intents), word)
        self.report["withheld"] = {"EXPIRED": 1}  # the sum is right, the reason is not
        self.assertTrue(verify.equations(self.report, self.intents))

    def test_a_message_to_somebody_withheld_is_found(self):
        self.assertTrue(self.disagreements([submit("44d", "9", 900)]))

    def test_a_message_that_the_network_never_got_is_found(self):
        del self.lines[2]
        self.assertTrue(self.disagreements())

    def test_delivered_without_a_receipt_is_found(self):
        del self.lines[1]
        self.assertTrue(self.disagreements())

    def test_ids_of_another_number_are_found(self):
        self.intents[0]["provider_ids"], self.intents[1]["provider_ids"] = ["2"], ["1"]
        self.assertTrue(self.disagreements())

    def test_a_second_message_is_a_duplicate(self):
        self.assertEqual(self.twice([submit("44b", "8", 800)]), 1)
        self.assertTrue(self.disagreements([submit("44b", "8", 800)]))

    def test_what_was_refused_or_failed_later_is_no_duplicate(self):
        self.assertEqual(self.twice([submit("44b", "", 800, status=0x58)]), 0)
        self.assertEqual(self.twice([submit("44c", "8", 800)]), 0)

    def test_parts_of_one_message_count_as_one_at_the_time_of_the_last(self):
        record = network.parse([submit("44a", "1", 100, part=1, parts=2, ref=7), submit("44a", "2", 150, part=2, parts=2, ref=7)])
        self.assertEqual([(s.id, s.t_ns) for s in record.submissions], [("1", 150)])

    def test_after_stop_has_no_tolerance_and_spares_one_confirmation(self):
        record = network.parse(self.lines + [submit("44b", "7", 900, text=network.CONFIRMATION_PREFIX + " and …")])
        self.assertEqual(verify.after_stop(record, self.endpoint_of, {"e/b": 200}), [])
        self.assertEqual(len(verify.after_stop(record, self.endpoint_of, {"e/b": 199})), 1)
        second = [submit("44b", "6", 901, text=network.CONFIRMATION_PREFIX), submit("44b", "7", 902, text=network.CONFIRMATION_PREFIX)]
        self.assertEqual(self.twice(second), 1)


if __name__ == "__main__":
    unittest.main()
