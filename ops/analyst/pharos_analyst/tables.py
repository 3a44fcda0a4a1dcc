"""Answers: a Figure is one number as it may be told; a Table is a list of records, one a row."""
from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union, overload

from .errors import Suppressed

Record = Dict[str, Any]
EXACT, ROUNDED, SUPPRESSED = "exact", "rounded", "suppressed"


@dataclass(frozen=True)
class Figure:
    """`value` is None where suppressed, never 0. `rule` is what rounded or suppressed it, "" where exact."""

    value: Optional[int]
    certainty: str = EXACT
    rule: str = ""

    def __int__(self) -> int:
        if self.value is None:
            raise Suppressed(f"this number is not told (rule {self.rule}); it is not 0", reason="SUPPRESSED")
        return self.value

    def __str__(self) -> str:
        if self.value is None:
            return f"not told ({self.rule})"
        return f"{self.value:,}" if self.certainty == EXACT else f"about {self.value:,}"


@dataclass(frozen=True)
class Table(Sequence[Record]):
    """Rows as dictionaries that all have `columns`. `position`: how fresh; `rule_set`: the rules of disclosure control that were
    applied, "" for none; `query`: its name in the record of questions, "" if exact numbers were told; `total`: distinct people; `as_of`: when
    the snapshot that was asked was taken, None: now was asked."""

    columns: List[str]
    records: List[Record]
    position: int = 0
    rule_set: str = ""
    query: str = ""
    total: Optional[Figure] = None
    notes: List[str] = field(default_factory=list)
    as_of: Optional[datetime.datetime] = None

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> List[Record]: ...
    def __getitem__(self, at: Union[int, slice]) -> Union[Record, List[Record]]:
        return self.records[at]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def column(self, name: str) -> List[Any]:
        return [record[name] for record in self.records]

    def to_pandas(self):
        """A pandas.DataFrame; whole numbers stay whole beside missing ones (Int64). What is not in the rows lies in its attrs."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError("pandas is not installed; the table itself is a list of records (dict)") from error
        frame = pandas.DataFrame(self.records, columns=self.columns)
        if "value" in frame:
            frame["value"] = frame["value"].astype("Int64")
        frame.attrs.update(position=self.position, rule_set=self.rule_set, query=self.query, notes=list(self.notes),
                           as_of=self.as_of)
        return frame

    def __str__(self) -> str:
        rows = [[_shown(record[name], name) for name in self.columns] for record in self.records]
        numbers = [any(isinstance(r[name], int) for r in self.records) for name in self.columns]
        widths = [max(map(len, cells)) for cells in zip(self.columns, *rows)]
        lines = [list(self.columns), *rows]
        return "\n".join("  ".join(cell.rjust(width) if number else cell.ljust(width)
                                   for cell, width, number in zip(line, widths, numbers)).rstrip() for line in lines)

    __repr__ = __str__


def _shown(value: Any, name: str) -> str:
    if value is None:
        return "not told" if name == "value" else "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
