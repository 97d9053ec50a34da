#!/usr/bin/env bash
# A series in a calendar consists of the first date, those of a rule, and those of RDATE, which may also stand without a rule.
# UNTIL is an instant in UTC if the start has a time zone. An event on a date without an end lasts that day, so that its end is
# the next day (RFC 5545, 3.3.10, 3.6.1 and 3.8.5.2). icalevents 0.3.1 drops the dates of RDATE, with and without a rule. It takes
# an UNTIL of 9:00 in Istanbul for a later instant, so that the series has one day too many. An event on a date without an end
# ends at its start. No error is raised. A good engineer expects the days that recurring-ical-events 3.8.2 returns, because
# icalevents follows EXDATE, the counterpart of RDATE. Rules with COUNT are followed, too, so that an ordinary test passes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check icalevents==0.3.1 icalendar==7.3.2 recurring-ical-events==3.8.2
"$folder/venv/bin/python" - <<'PY' > "$folder/seen"
from datetime import UTC, date, datetime

import icalendar
import recurring_ical_events
from icalevents.icalparser import parse_events

EVENTS = {
    "one day": ["DTSTART;VALUE=DATE:20260501"],
    "three days": ["DTSTART;VALUE=DATE:20260501", "DTEND;VALUE=DATE:20260504"],
    "a rule": ["DTSTART;VALUE=DATE:20260501", "RRULE:FREQ=YEARLY;COUNT=2"],
    "a rule and a day": ["DTSTART;VALUE=DATE:20260501", "RRULE:FREQ=YEARLY;COUNT=2", "RDATE;VALUE=DATE:20260915"],
    "a rule without a day": ["DTSTART;VALUE=DATE:20260501", "RRULE:FREQ=YEARLY;COUNT=2", "EXDATE;VALUE=DATE:20270501"],
    "a rule until 9:00 in Istanbul": ["DTSTART;TZID=Europe/Istanbul:20260501T100000", "RRULE:FREQ=DAILY;UNTIL=20260503T060000Z"],
    "three days of a list": ["DTSTART;VALUE=DATE:20250501", "RDATE;VALUE=DATE:20260502,20270503"],
}
# Istanbul has had the same offset since 2016.
ZONE = ["BEGIN:VTIMEZONE", "TZID:Europe/Istanbul", "BEGIN:STANDARD", "DTSTART:20160907T000000", "TZOFFSETFROM:+0300"]
ZONE += ["TZOFFSETTO:+0300", "END:STANDARD", "END:VTIMEZONE"]
for name, lines in EVENTS.items():
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//EN", *ZONE]
    event = ["BEGIN:VEVENT", "UID:1", "DTSTAMP:20260101T000000Z", "SUMMARY:Meeting", *lines, "END:VEVENT"]
    text = "\r\n".join([*head, *event, "END:VCALENDAR", ""])
    first, last = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
    found = sorted(parse_events(text, start=first, end=last))
    print(f"{name}, icalevents:", *(f"{event.start:%F}/{event.end:%F}" for event in found) if found else ("none",))
    other = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(date(2026, 1, 1), date(2027, 12, 31))
    print(f"{name}, recurring-ical-events:", *sorted(f"{event.start:%F}/{event.end:%F}" for event in other))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
one day, icalevents: 2026-05-01/2026-05-01
one day, recurring-ical-events: 2026-05-01/2026-05-02
three days, icalevents: 2026-05-01/2026-05-04
three days, recurring-ical-events: 2026-05-01/2026-05-04
a rule, icalevents: 2026-05-01/2026-05-01 2027-05-01/2027-05-01
a rule, recurring-ical-events: 2026-05-01/2026-05-02 2027-05-01/2027-05-02
a rule and a day, icalevents: 2026-05-01/2026-05-01 2027-05-01/2027-05-01
a rule and a day, recurring-ical-events: 2026-05-01/2026-05-02 2026-09-15/2026-09-16 2027-05-01/2027-05-02
a rule without a day, icalevents: 2026-05-01/2026-05-01
a rule without a day, recurring-ical-events: 2026-05-01/2026-05-02
a rule until 9:00 in Istanbul, icalevents: 2026-05-01/2026-05-01 2026-05-02/2026-05-02 2026-05-03/2026-05-03
a rule until 9:00 in Istanbul, recurring-ical-events: 2026-05-01/2026-05-01 2026-05-02/2026-05-02
three days of a list, icalevents: none
three days of a list, recurring-ical-events: 2026-05-02/2026-05-03 2027-05-03/2027-05-04
SEEN
echo "as described"
