"""A client that looks up one thing after the other, in a process of its own: how a server is for it meanwhile.

    python -m tests.lookups PORT FILE

Each lookup is a line of FILE: when it began (time.monotonic), seconds, status. It ends when its standard input does.
Its address is another one than that of the tests, for limits are by client.
"""

from __future__ import annotations

import http.client
import select
import sys
import time
from urllib.parse import quote

ADDRESS = "127.0.0.2"
# Looking up takes processor time from the server: forty a second are enough for a p99.
PAUSE = 0.02


def main(port: int, path: str) -> None:
    """Look up until told to stop."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120, source_address=(ADDRESS, 0))
    number = 0
    with open(path, "w", buffering=1) as log:  # noqa: PTH123
        while not select.select([sys.stdin], [], [], PAUSE)[0]:
            number += 1
            # Never the same one, which the cache would answer.
            query = f"SELECT ?p ?o {{ city:izmir ?p ?o }} LIMIT {number}"
            begun = time.monotonic()
            connection.request("GET", "/sparql?query=" + quote(query))
            response = connection.getresponse()
            response.read()
            log.write(f"{begun} {time.monotonic() - begun} {response.status}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
