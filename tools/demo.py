"""The whole way on generated tables: a lender's data, a trained champion, a served decision.

``make demo`` runs it. In a terminal the service keeps running until Ctrl-C; elsewhere it is stopped once it answered.
Everything it writes lies under SCOREWRIGHT_HOME: ``.scorewright`` unless set.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from service import Service, free_port, new_key, wait_until_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

SCOREWRIGHT = str(Path(sys.executable).parent / "scorewright")
HOME = Path(os.environ.get("SCOREWRIGHT_HOME") or ".scorewright")
SAMPLE = HOME / "sample"
SERVICE_LOG = HOME / "demo-service.log"
PORT = 8000
SECONDS_TO_START = 60.0


def run(*arguments: str) -> None:
    """Run one verb as a person would type it; a failure ends the demo with the verb's code."""
    print(f"\n$ scorewright {' '.join(arguments)}", flush=True)
    started = time.monotonic()
    done = subprocess.run([SCOREWRIGHT, *arguments], env={**os.environ, "SCOREWRIGHT_HOME": str(HOME)}, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    print(f"({time.monotonic() - started:.1f} s)", flush=True)


@contextmanager
def serving(service: Service, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the champion in the background, and stop it on the way out."""
    print(f"\n$ scorewright serve --port {port}", flush=True)
    environment = {**os.environ, "SCOREWRIGHT_HOME": str(HOME), "SCOREWRIGHT_API_KEY": service.key}
    command = [SCOREWRIGHT, "serve", "--host", "127.0.0.1", "--port", str(port)]
    with SERVICE_LOG.open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


def end_if_over(process: subprocess.Popen[bytes]) -> None:
    """End the demo with what the service said, once the service has ended."""
    if process.poll() is not None:
        said = SERVICE_LOG.read_text(encoding="utf-8", errors="replace")
        message = f"The service ended with code {process.returncode}. It said:\n{said}"
        raise SystemExit(message)


def show(service: Service) -> None:
    """Ask for one decision; print the answer and how to ask again."""
    started = time.monotonic()
    decision = service.decide_example()
    print(f"\nOne generated application with its history, decided in {(time.monotonic() - started) * 1000:.0f} ms:\n")
    print(json.dumps(decision, indent=2, ensure_ascii=False))
    print(f"\nAddress  {service.address}\nKey      {service.key}\nAsk      {service.curl}", flush=True)


def main() -> None:
    """Go the whole way."""
    started = time.monotonic()
    if not (SAMPLE.is_dir() and any(SAMPLE.iterdir())):
        run("sample", str(SAMPLE), "--applications", "4000", "--seed", "7")
    run("train", "home_credit", "--data", str(SAMPLE), "--trials", "0")
    run("compare")
    port = free_port(PORT)
    service = Service(f"http://127.0.0.1:{port}", os.environ.get("SCOREWRIGHT_API_KEY") or new_key())
    with serving(service, port) as process:
        wait_until_ready(service, SECONDS_TO_START, lambda: end_if_over(process))
        show(service)
        print(f"\nDone in {time.monotonic() - started:.0f} s.", flush=True)
        if sys.stdin.isatty() and sys.stdout.isatty():
            print("The service keeps running; Ctrl-C ends it.", flush=True)
            with suppress(KeyboardInterrupt):
                process.wait()
    print("The service is stopped. To keep one, and see its address and a call to paste:")
    print(f"  SCOREWRIGHT_HOME={HOME} {os.path.relpath(SCOREWRIGHT)} serve")


if __name__ == "__main__":
    # A terminated demo stops its service too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with suppress(KeyboardInterrupt):
        main()
