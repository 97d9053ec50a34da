#!/usr/bin/env bash
# A conditional write with obstore 0.12.1 takes the e_tag and version of the object that it replaces (`mode`, of the type
# UpdateVersion), and `put` answers with exactly these two. But a store without versions answers `version: None`, and a mode with
# None is a TypeError, so that the answer of one put cannot be the condition of the next: the None has to be left out.
# What then works in memory does not on a local folder: there only "create" is conditional, and an update raises
# NotImplementedError, although the store gives an e_tag for each object. Code that is tested on a folder before it runs on
# S3-compatible storage needs a lock of its own for the folder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check obstore==0.12.1
mkdir "$folder/store"
"$folder/venv/bin/python" - "$folder/store" <<'PY' > "$folder/seen"
import sys

import obstore
from obstore.store import LocalStore, MemoryStore


def tried(store, mode):
    try:
        return sorted(obstore.put(store, "current", b"next", mode=mode))
    except Exception as error:
        return type(error).__name__


for store in (MemoryStore(), LocalStore(sys.argv[1])):
    answer = obstore.put(store, "current", b"first")
    print(type(store).__name__, sorted(answer), "version:", answer["version"])
    print(" its answer as the mode:", tried(store, answer))
    print(" only its e_tag:", tried(store, {"e_tag": answer["e_tag"]}))
    print(" create:", tried(store, "create"))
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
MemoryStore ['e_tag', 'version'] version: None
 its answer as the mode: TypeError
 only its e_tag: ['e_tag', 'version']
 create: AlreadyExistsError
LocalStore ['e_tag', 'version'] version: None
 its answer as the mode: TypeError
 only its e_tag: NotImplementedError
 create: AlreadyExistsError
SEEN
echo "as described"
