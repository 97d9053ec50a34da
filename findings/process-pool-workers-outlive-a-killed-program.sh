#!/usr/bin/env bash
# A worker of multiprocessing.Pool ends when the process that started it is killed, because its pipe is closed. A worker of
# concurrent.futures.ProcessPoolExecutor does not, in CPython 3.8 to 3.13 (Linux): it holds both ends of the pipe of its
# calls, and waits for the next one. A supervisor or a kernel that kills a program leaves its workers behind.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/program.py" <<'PY'
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

if __name__ == "__main__":
    spawning = get_context("spawn")
    if sys.argv[1] == "Pool":
        pool = spawning.Pool(1)
        worker = pool.apply(os.getpid)
    else:
        pool = ProcessPoolExecutor(1, spawning)
        worker = pool.submit(os.getpid).result()
    print(worker, flush=True)
    time.sleep(60)
PY
python3 - "$folder/program.py" <<'PY' > "$folder/seen"
import os
import select
import signal
import subprocess
import sys

for name in ("Pool", "ProcessPoolExecutor"):
    program = subprocess.Popen([sys.executable, sys.argv[1], name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    worker = int(program.stdout.readline())
    program.kill()
    program.wait()
    # The output has its end when every process that inherited it has ended.
    ended = select.select([program.stdout], [], [], 10)[0]
    print(name, "ended" if ended else "left behind")
    if not ended:
        os.kill(worker, signal.SIGKILL)
PY
cat "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Pool ended
ProcessPoolExecutor left behind
SEEN
echo "as described"
