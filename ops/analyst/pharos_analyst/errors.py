"""What can go wrong, as Python exceptions. Each carries the server's stable reason and says what to do next."""
from __future__ import annotations

import datetime
from typing import Dict, Optional


class PharosError(Exception):
    """`reason` is stable (FILTER_WRONG, PERMISSION_MISSING, …); str() is for people; `facts` are facts to act on."""

    def __init__(self, message: str, reason: str = "", code: str = "", facts: Optional[Dict[str, str]] = None):
        super().__init__(message)
        self.message, self.reason, self.code, self.facts = message, reason, code, dict(facts or {})


class FilterError(PharosError):
    """A filter cannot be read. `position` is the character from 1 on; `nearest` what may have been meant, or None; `filter` the
    text, as it was asked."""

    def __init__(self, message: str, filter: str = "", **said):
        super().__init__(message, **said)
        self.filter = filter
        self.position: int = int(self.facts.get("position", 0))
        self.nearest: Optional[str] = self.facts.get("nearest")

    def __str__(self) -> str:
        if not self.filter or not 0 < self.position <= len(self.filter) + 1:
            return self.message
        return f"{self.message}\n  {self.filter}\n  {' ' * (self.position - 1)}^"


class TableError(PharosError):
    """A dimension, its bands or a measure is wrong. `nearest`: the field that may have been meant, or None."""

    @property
    def nearest(self) -> Optional[str]:
        return self.facts.get("nearest")


class NotAllowed(PharosError):
    """Your role may not have this; the message says what to ask for instead."""


class NotFound(PharosError):
    """There is no such audience, purpose or query."""


class TryLater(PharosError):
    """Nothing is wrong with the question: the service is starting, is behind, or is not there."""


class NotKept(PharosError):
    """No snapshot of that time or before is kept. `oldest`: when the oldest was taken, or None where there is none yet."""

    @property
    def oldest(self) -> Optional[datetime.datetime]:
        text = self.facts.get("oldest")
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


class Suppressed(PharosError):
    """A number was asked for that is not told. It is not 0."""


class TooManyQuestions(PharosError):
    """So many different numbers were told that a new one could tell of single people."""
