"""Ask a running service for one decision, and leave with 1 unless it decides.

``SCOREWRIGHT_API_KEY=... python tools/ask_decision.py http://127.0.0.1:8000``
"""

from __future__ import annotations

import json
import os
import sys

from service import Service, wait_until_ready

SECONDS_TO_START = 60.0


def main(address: str) -> int:
    """Wait, ask, judge."""
    service = Service(address.rstrip("/"), os.environ.get("SCOREWRIGHT_API_KEY", ""))
    wait_until_ready(service, SECONDS_TO_START)
    answer = service.decide_example()
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 0 if answer.get("decision") in {"approve", "refer", "refuse"} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
