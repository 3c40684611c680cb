"""Programme of the kill test: `python -m tests.unit.control_api.killed DATA_DIR URL PORT`.

For each line on stdin it forks a child that is the control process, whole: `control_api.control.run` with its HTTP
server, its live conferences and its background tasks, only without workers and TLS.  It says the child's number, and
`dead` once it is.  Forked, because a fresh interpreter would take most of a second and the test wants many deaths.
"""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from pathlib import Path

from pydantic import SecretStr

from control_api.control import run
from control_api.settings import Accounts, Http, Settings, Tls


def main() -> None:
    data_dir, url, port = sys.argv[1:]
    settings = Settings(
        data_dir=Path(data_dir),
        database_url=SecretStr(url),
        http=Http(bind=("127.0.0.1",), port=int(port)),
        tls=Tls(mode="off"),
        accounts=Accounts(require_totp=()),
    )
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            os.dup2(2, 1)  # where its log goes
            try:
                asyncio.run(run(settings, asyncio.Event()))
            except BaseException:
                traceback.print_exc()
            os._exit(1)
        os.write(1, f"{child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
