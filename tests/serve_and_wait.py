"""A stage that serves model folders until it is ended: `serve_and_wait.py FOLDER …`.

Prints the process ids of the server and of the supervisor that runs it, and the HTTP address.
"""

from assay.ground.stage import run_stage

import sys
import time
from pathlib import Path

import psutil

from assay.servers.embedded import serve


def main() -> None:
    with serve([Path(folder) for folder in sys.argv[1:]], timeout_s=60) as server:
        print(server.pid, psutil.Process(server.pid).ppid(), server.http_address, flush=True)
        time.sleep(600)


if __name__ == "__main__":
    run_stage(main)
