"""Retries of HTTP requests: their number, the waits between them, and the server's Retry-After."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class RetryPolicy:
    """How often a request is tried, and the waits in between, in seconds."""

    attempts: int = 8
    first_wait: float = 1.0
    longest_wait: float = 120.0
    # A longer Retry-After means that the service is down for long: the user had better start again later.
    longest_retry_after: float = 900.0

    def backoff(self, attempt: int, random: float) -> float:
        """Returns the wait after an attempt, which doubles each time, times a factor from 0.5 to 1 by `random`."""
        wait = min(self.longest_wait, self.first_wait * 2.0 ** (attempt - 1))
        # The random factor keeps several clients from asking again at the same moment.
        return wait * (0.5 + random / 2)

    def gives_up(self, attempt: int, retry_after: float) -> bool:
        """Returns whether there is no further attempt after this one."""
        return attempt >= self.attempts or retry_after > self.longest_retry_after


def seconds_of(retry_after: str, now: datetime) -> float:
    """Returns the wait in a Retry-After header, which is a number of seconds or a date (RFC 9110, section 10.2.3)."""
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
