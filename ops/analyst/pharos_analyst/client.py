"""Look-ups first, then one data function."""
from __future__ import annotations

import datetime
import pathlib
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from .tables import EXACT, Figure, Record, ROUNDED, SUPPRESSED, Table
from .wire import AUDIENCE, CUSTOMER, Wire

PEOPLE = "people"
MATCHED, MEMBERS = "matched", "members"
PAGE = 1000
Edge = Union[int, str, datetime.date]
Moment = Union[None, str, datetime.date, datetime.datetime]
_CERTAINTY = {1: EXACT, 2: ROUNDED, 3: SUPPRESSED}
_CHANNELS = {"sms": 1, "email": 2}
_PSEUDONYM_BYTES = 16


def connect(address: str, token: str = "", token_file: Union[str, pathlib.Path, None] = None,
            root_certificates: Optional[bytes] = None, patience: float = 30.0) -> "Pharos":
    """`address`: host:port. A token, or the file that holds it. `root_certificates`: PEM, for TLS. `patience`: seconds to wait for a
    service that is starting."""
    if token_file is not None:
        token = pathlib.Path(token_file).read_text(encoding="utf-8").strip()
    return Pharos(Wire(address, token, root_certificates, patience))


class Pharos:
    """Made by connect(). Everything here reads; nothing changes anything."""

    def __init__(self, wire: Wire):
        self._wire = wire

    def close(self) -> None:
        self._wire.close()

    def __enter__(self) -> "Pharos":
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    # ---- look-ups

    def fields(self) -> Table:
        """What filters and tables may name: name, type, description."""
        answer = self._ask("AudienceService", "ListFields")
        return _table(["name", "type", "description"], answer.fields)

    def areas(self, region: str = "") -> Table:
        """Places that are loaded, by code; of one region (its code) if asked. NotFound (NOT_OFFERED): this version of Pharos has
        no reference data."""
        columns = ["code", "display_name", "upper_tier", "upper_tier_name", "region", "region_name", "deprivation_decile"]
        table = _table(columns, self._pages("ReferenceService", "ListAreas", "areas", region=region))
        for record in table:
            record["deprivation_decile"] = record["deprivation_decile"] or None
        return table

    def audiences(self) -> Table:
        """Saved audiences, by name."""
        return _table(["name", "display_name", "filter", "version"], self._pages("AudienceService", "ListAudiences", "audiences"))

    def purposes(self) -> Table:
        """What messages may be for."""
        request = self._message(CUSTOMER, "ListPurposesRequest", page_size=PAGE)
        found: List[Any] = []
        while True:
            answer = self._wire.call(f"{CUSTOMER}.PurposeService", "ListPurposes", request)
            found += answer.purposes
            if not answer.next_page_token:
                return _table(["name", "display_name", "description", "controller"], found)
            request.page_token = answer.next_page_token

    # ---- data

    def count(self, filter: str = "", by: Sequence[str] = (), bands: Optional[Mapping[str, Sequence[Edge]]] = None,
              measures: Optional[Mapping[str, str]] = None, audience: str = "", min_position: int = 0, as_of: Moment = None) -> Table:
        """How many people a filter (or a saved audience) matches; `by` up to four fields, in each cell.

        `as_of`: as people were then, from the newest daily snapshot at or before; a date (its beginning, UTC), a time with its zone,
        or either as text. The table's `as_of` says when the snapshot was taken. NotKept names the oldest there is.

        `bands`: for ages and dates, the ascending lower edges, by field. `measures`: further numbers of each cell's people, by name,
        each the people whom another filter matches too. One row for each cell and number, with the columns of `by`, then measure
        ("people" for the cell itself), value, certainty (exact, rounded, suppressed) and rule. A suppressed value is None, never 0;
        so is the key of people without a value, or below the first band. Cells without anybody have no row. Who has several values
        of a set, like interests, is in the cell of each."""
        by = [by] if isinstance(by, str) else list(by)
        bands, measures = dict(bands or {}), dict(measures or {})
        for name in bands:
            if name not in by:
                raise ValueError(f'bands are given for "{name}", which is not in by={by}')
        if PEOPLE in measures:
            raise ValueError(f'"{PEOPLE}" is the name of each cell\'s own number: choose another for the measure')
        if not by:
            return self._count_whole(filter, measures, audience, min_position, as_of)
        request = self._message(AUDIENCE, "BreakDownAudienceRequest", min_position=min_position, as_of_time_us=_micros(as_of), **_what(filter, audience))
        for name in by:
            request.dimensions.add(field=name, edges=[_edge(edge) for edge in bands.get(name, ())])
        for name, of in measures.items():
            request.measures.add(name=name, filter=of)
        answer = self._ask("AudienceService", "BreakDownAudience", request, filter)
        records: List[Record] = []
        for cell in answer.cells:
            keys = {name: _band(key, bands.get(name)) for name, key in zip(by, cell.keys)}
            for name, figure in zip([PEOPLE, *measures], [cell.people, *cell.measures]):
                records.append({**keys, **_numbers(name, _figure(figure))})
        return Table([*by, "measure", "value", "certainty", "rule"], records, answer.position, answer.rule_set, answer.query,
                     _figure(answer.total), as_of=_taken(answer))

    def _count_whole(self, filter: str, measures: Mapping[str, str], audience: str, min_position: int, as_of: Moment) -> Table:
        if measures and audience:
            raise ValueError("measures of a saved audience need by=[…], or its filter")
        records, first = [], None
        for name, of in [(PEOPLE, ""), *measures.items()]:
            both = " AND ".join(f"({part})" for part in (filter, of) if part.strip()) if of else filter
            request = self._message(AUDIENCE, "CountAudienceRequest", min_position=min_position, as_of_time_us=_micros(as_of),
                                    **_what(both, audience))
            answer = self._ask("AudienceService", "CountAudience", request, both)
            first = first or answer
            records.append(_numbers(name, _figure(answer.figure)))
        return Table(["measure", "value", "certainty", "rule"], records, first.position, _rule_set(first.figure), first.query,
                     _figure(first.figure), as_of=_taken(first))

    def funnel(self, filter: str = "", purpose: str = "", channels: Sequence[str] = ("sms",), audience: str = "",
               min_position: int = 0, as_of: Moment = None) -> Table:
        """From who matches to who would get a message: matched, then each reason why somebody would not, in the order of the gate,
        then members; for exact
        numbers matched = members + the reasons. Columns: step, value, certainty, rule. Where only a rounded number may be told
        there is no funnel: `matched` alone, and a note."""
        if not purpose:
            raise ValueError("a funnel needs a purpose: purposes() lists them")
        names = [channels] if isinstance(channels, str) else list(channels)
        for name in names:
            if name.lower() not in _CHANNELS:
                raise ValueError(f'there is no channel "{name}": {", ".join(_CHANNELS)}')
        request = self._message(AUDIENCE, "CountAudienceRequest", min_position=min_position, purpose=_named(purpose, "purposes"),
                                as_of_time_us=_micros(as_of), channels=[_CHANNELS[name.lower()] for name in names], **_what(filter, audience))
        answer = self._ask("AudienceService", "CountAudience", request, filter)
        steps = [(MATCHED, _figure(answer.figure))]
        notes = []
        if answer.figure.certainty == 1:
            steps += [(reason, Figure(number)) for reason, number in sorted(answer.excluded.items(), key=self._place)]
            steps.append((MEMBERS, Figure(answer.members)))
        else:
            notes.append("your role is told rounded numbers; a funnel's numbers add up, so they cannot be told rounded")
        records = [{"step": name, "value": f.value, "certainty": f.certainty, "rule": f.rule} for name, f in steps]
        return Table(["step", "value", "certainty", "rule"], records, answer.position, _rule_set(answer.figure), answer.query,
                     steps[0][1], notes, _taken(answer))

    def people(self, filter: str = "", purpose: str = "", audience: str = "") -> Iterator[str]:
        """Pseudonyms of everybody who matches, in hex, for those who may have row-level data. The same person has another pseudonym
        for another purpose."""
        request = self._message(AUDIENCE, "StreamAudienceRequest", purpose=_named(purpose, "purposes"), form=1, **_what(filter, audience))
        for part in self._wire.stream(f"{AUDIENCE}.AudienceService", "StreamAudience", request, filter):
            for at in range(0, len(part.pseudonyms), _PSEUDONYM_BYTES):
                yield part.pseudonyms[at:at + _PSEUDONYM_BYTES].hex()

    def queries(self, principal: str = "", most: int = 100) -> Table:
        """What was asked and by whom, newest first, for those who may read it."""
        request = self._message(AUDIENCE, "ListQueriesRequest", principal=_named(principal, "principals"), page_size=min(most, PAGE))
        found: List[Any] = []
        while len(found) < most:
            answer = self._ask("QueryService", "ListQueries", request)
            found += answer.queries
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
        columns = ["name", "principal", "method", "purpose", "filter", "ask_time", "rule_set", "refusal"]
        records = [{**{name: getattr(query, name, None) for name in columns}, "method": query.method.rpartition("/")[2],
                    "ask_time": datetime.datetime.fromtimestamp(query.ask_time_us / 1e6, datetime.timezone.utc)}
                   for query in found[:most]]
        return Table(columns, records)

    # ---- asking

    def _message(self, package: str, kind: str, **fields: Any) -> Any:
        return self._wire.messages(f"{package}.{kind}")(**fields)

    def _ask(self, service: str, method: str, request: Any = None, filter: str = "") -> Any:
        return self._wire.call(f"{AUDIENCE}.{service}", method, request, filter)

    def _place(self, excluded: Tuple[str, int]) -> int:
        """In the order in which the gate judges."""
        return self._wire.messages.enum_number("pharos.type.v1.GateReason", excluded[0])

    def _pages(self, service: str, method: str, field: str, **fields: Any) -> Iterator[Any]:
        request = self._message(AUDIENCE, f"{method}Request", page_size=PAGE, **fields)
        while True:
            answer = self._ask(service, method, request)
            yield from getattr(answer, field)
            if not answer.next_page_token:
                return
            request.page_token = answer.next_page_token


def _table(columns: Sequence[str], messages: Any) -> Table:
    return Table(list(columns), [{name: getattr(message, name) for name in columns} for message in messages])


def _named(word: str, collection: str) -> str:
    return word if not word or word.startswith(collection + "/") else f"{collection}/{word}"


def _what(filter: str, audience: str) -> Dict[str, str]:
    if filter and audience:
        raise ValueError("give a filter or a saved audience, not both")
    return {"audience": _named(audience, "audiences")} if audience else {"filter": filter}


def _figure(figure: Any) -> Figure:
    """Whatever it says it is; a certainty that this version does not know is not told."""
    certainty = _CERTAINTY.get(figure.certainty, SUPPRESSED)
    return Figure(None if certainty == SUPPRESSED else figure.value, certainty, figure.rule)


def _numbers(name: str, figure: Figure) -> Record:
    return {"measure": name, "value": figure.value, "certainty": figure.certainty, "rule": figure.rule}


def _rule_set(figure: Any) -> str:
    return figure.rule.partition("/")[0]


def _micros(as_of: Moment) -> int:
    """0: now."""
    if as_of is None:
        return 0
    if isinstance(as_of, str):
        as_of = datetime.datetime.fromisoformat(as_of.replace("Z", "+00:00")) if "T" in as_of else datetime.date.fromisoformat(as_of)
    if not isinstance(as_of, datetime.datetime):
        as_of = datetime.datetime(as_of.year, as_of.month, as_of.day, tzinfo=datetime.timezone.utc)
    if as_of.tzinfo is None:
        raise ValueError("as_of is a date, or a time with its zone, e.g. 2026-03-01T09:00:00Z")
    return int((as_of - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) / datetime.timedelta(microseconds=1))


def _taken(answer: Any) -> Optional[datetime.datetime]:
    if not answer.as_of_time_us:
        return None
    return datetime.datetime.fromtimestamp(answer.as_of_time_us / 1e6, datetime.timezone.utc)


def _edge(edge: Edge) -> str:
    return edge.isoformat() if isinstance(edge, datetime.date) else str(edge)


def _band(key: str, edges: Optional[Sequence[Edge]]) -> Optional[str]:
    """A cell's key as people write it: "18-39", "75+", "1960-01-01 to 1969-12-31", "1970-01-01 on"."""
    if not key:
        return None
    texts = [_edge(edge) for edge in edges or ()]
    if key not in texts:
        return key
    after = texts[texts.index(key) + 1:][:1]
    if key.isdigit():
        return f"{key}-{int(after[0]) - 1}" if after and int(after[0]) - 1 != int(key) else key if after else f"{key}+"
    if not after:
        return f"{key} on"
    return f"{key} to {datetime.date.fromisoformat(after[0]) - datetime.timedelta(days=1)}"
