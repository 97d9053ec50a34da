"""Lexical dates reckoned with, each as precise as it is: the same day in another year, what lies before a day."""

from __future__ import annotations

from datetime import date


def on_year(lexical: str, year: int) -> str:
    """The same day in another year; of a leap day in a common year, its month."""
    there = f"{year}{lexical[4:]}"
    try:
        return date.fromisoformat(there).isoformat() if len(there) > len("2026-01") else there
    except ValueError:
        return there[: len("2026-01")]


def is_past(lexical: str, today: str) -> bool:
    """Whether all of a day, a month or a year lies before today."""
    return lexical < today[: len(lexical)]
