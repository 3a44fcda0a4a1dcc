"""The generator of synthetic people: same seed, same bytes; nobody real can be reached."""
import csv
import os
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ.get("PHAROS_SOURCE", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILES = ["staff", "partners", "screening", "quit", "news", "truth"]


def generate(folder, people, seed):
    subprocess.run([sys.executable, os.path.join(SOURCE, "ops", "generate"), "--people", str(people), "--seed", str(seed),
                    "--out", folder], check=True, capture_output=True)
    texts = {}
    for name in FILES:
        with open(os.path.join(folder, name + ".csv"), encoding="utf-8") as file:
            texts[name] = file.read()
    return texts


def national(phone):
    digits = re.sub(r"\D", "", phone.replace("(0)", ""))
    return "0" + digits[2:] if digits.startswith("44") else digits


class Generate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def rows(self, people=1500, seed=5):
        texts = generate(self.folder.name, people, seed)
        return {name: list(csv.DictReader(texts[name].splitlines())) for name in FILES}

    def test_same_seed_same_bytes_other_seed_other_people(self):
        first = generate(os.path.join(self.folder.name, "a"), 300, 7)
        self.assertEqual(first, generate(os.path.join(self.folder.name, "b"), 300, 7))
        self.assertNotEqual(first["quit"], generate(os.path.join(self.folder.name, "c"), 300, 8)["quit"])

    def test_about_two_records_a_person_and_the_truth_knows_each(self):
        rows = self.rows()
        records = {(name, row["record_id"]) for name in FILES[:-1] for row in rows[name]}
        self.assertEqual(records, {(row["source"], row["record_id"]) for row in rows["truth"]})
        self.assertEqual(len({row["person_id"] for row in rows["truth"]}), 1500)
        self.assertTrue(1.7 < len(records) / 1500 < 2.4, len(records) / 1500)

    def test_nobody_real_can_be_reached(self):
        rows = self.rows()
        for name in FILES[:-1]:
            for row in rows[name]:
                phone = national(row["phone"])
                if len(phone) == 11:  # a typing error may have cost a digit
                    self.assertRegex(phone, r"^(077009\d{5}|07700[2-8]\d{5}|01632960\d{3})$")
                    self.assertFalse(phone.startswith("077009") and not phone.startswith("07700900"), phone)
                self.assertRegex(row["email"], r"^$|@([a-z0-9]+\.)?example\.(org|com|net)$")

    def test_nhs_numbers_are_of_the_test_range_with_a_valid_check_digit(self):
        numbers = [row["nhs_number"] for row in self.rows()["screening"] if row["nhs_number"]]
        self.assertGreater(len(numbers), 500)
        for number in numbers:
            self.assertRegex(number, r"^9\d{9}$")
            check = (11 - sum(int(d) * w for d, w in zip(number, range(10, 1, -1))) % 11) % 11
            self.assertEqual(check, int(number[9]))

    def test_has_what_real_files_have(self):
        rows = self.rows()
        owners = {}
        truth = {(row["source"], row["record_id"]): row["person_id"] for row in rows["truth"]}
        for row in rows["quit"]:
            owners.setdefault(national(row["phone"]), set()).add(truth["quit", row["record_id"]])
        owners.pop("", None)
        self.assertTrue(any(len(people) > 1 for people in owners.values()), "no household shares a phone")
        self.assertTrue(any(row["consent_sms"] == "withdrawn" for row in rows["quit"]))
        people = [truth["quit", row["record_id"]] for row in rows["quit"]]
        self.assertGreater(len(people), len(set(people)), "nobody signed up twice")


if __name__ == "__main__":
    unittest.main()
