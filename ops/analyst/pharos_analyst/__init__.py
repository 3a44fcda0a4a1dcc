"""Pharos for analysts: look-ups first, then one data function. See README.md beside this package."""
from .client import Pharos, connect
from .errors import FilterError, NotAllowed, NotFound, NotKept, PharosError, Suppressed, TableError, TooManyQuestions, TryLater
from .tables import EXACT, Figure, ROUNDED, SUPPRESSED, Table

__all__ = ["EXACT", "Figure", "FilterError", "NotAllowed", "NotFound", "NotKept", "Pharos", "PharosError", "ROUNDED", "SUPPRESSED", "Suppressed",
           "Table", "TableError", "TooManyQuestions", "TryLater", "connect"]
