"""The people of the audience benchmark, so that "the latest value" and "consented by a record, withdrawn by none" mean the same to
Pharos and to a plain table: nobody shares an address, every number can be dialled, and an area comes with its postcode.

What Pharos does with the rest is the point of its rules, not of a comparison: a withdrawal reaches everybody at the address, a grant
for a number that nobody can dial grants nothing, and an area goes with the postcode of its record. None of the fifteen questions asks
about an address or a postcode, so that the peers' answers stay what they were.

The project's own people live in places that do not exist: here they get codes that do, and interests, which the questions ask for."""
import csv
import os
import re

POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]? [0-9][ABD-HJLNP-UW-Z]{2}")
NUMBERS = 50_000_000  # 07400 000000 to 07449 999999: all mobiles by Ofcom's plan
SOME_POSTCODE = "LS1 4AP"
ASKED_FOR = {"X90000001": "E08000035", "X90000002": "E08000032", "X90000003": "E08000034", "X12000000": "E12000002",
             "alcohol": "diet", "physical-activity": "activity"}


def settle(folder, out, sources):
    """Writes the contact files of `folder` anew into `out`, with what else lies there."""
    os.makedirs(out)
    truth = {(row["source"], row["record_id"]): row["person_id"] for row in rows(folder, "truth")}
    number_of = {}
    postcodes = postcodes_of(folder, sources)
    for name in os.listdir(folder):
        if name == "areas.csv":
            settle_areas(folder, out)
        elif name not in {source + ".csv" for source in sources}:
            os.symlink(os.path.abspath(os.path.join(folder, name)), os.path.join(out, name))
    for source in sources:
        with open(os.path.join(folder, source + ".csv"), newline="", encoding="utf-8") as file, \
                open(os.path.join(out, source + ".csv"), "w", newline="", encoding="utf-8") as settled:
            reader = csv.DictReader(file)
            writer = csv.DictWriter(settled, reader.fieldnames, lineterminator="\n")
            writer.writeheader()
            for row in reader:
                number = number_of.setdefault(truth[source, row["record_id"]], len(number_of))
                writer.writerow(settled_row(row, number, postcodes))
    if len(number_of) > NUMBERS:
        raise ValueError(f"there are numbers for {NUMBERS:,} people")


def settle_areas(folder, out):
    with open(os.path.join(folder, "areas.csv"), newline="", encoding="utf-8") as file, \
            open(os.path.join(out, "areas.csv"), "w", newline="", encoding="utf-8") as settled:
        lines = csv.reader(file)
        csv.writer(settled, lineterminator="\n").writerows([ASKED_FOR.get(word, word) for word in line] for line in lines)


def settled_row(row, number, postcodes):
    if row["phone"] or row["consent_sms"]:
        row["phone"] = f"074{number:08d}"
    if row["email"] or row["consent_email"]:
        row["email"] = f"person{number}@example.org"
    if row["area"] and not POSTCODE.fullmatch(row["postcode"]):
        row["postcode"] = postcodes.get(row["area"], SOME_POSTCODE)
    row["area"] = ASKED_FOR.get(row["area"], row["area"])
    row["interests"] = ";".join(ASKED_FOR.get(word, word) for word in row["interests"].split(";"))
    return row


def postcodes_of(folder, sources):
    """A postcode of each area."""
    found = {}
    for source in sources:
        for row in rows(folder, source):
            if row["area"] not in found and POSTCODE.fullmatch(row["postcode"]):
                found[row["area"]] = row["postcode"]
    return found


def rows(folder, name):
    with open(os.path.join(folder, name + ".csv"), newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)
