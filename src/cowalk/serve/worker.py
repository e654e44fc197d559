"""python -m cowalk.serve.worker: one of several processes that answer on one port; `workers` starts them."""

from __future__ import annotations

import json
import logging
import signal
import socket
import sys
from pathlib import Path

from cowalk.errors import CowalkError
from cowalk.serve.process import Place, answer
from cowalk.serve.share import Share


def main(told: str) -> int:
    """Answer until told to stop; the exit code. What keeps it from starting is left where `workers` looks."""
    wish = json.loads(told)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; who started this one tells it to stop
    share = Share(Path(wish["share"]), wish["number"], wish["parent"])
    place = Place(**wish["place"])
    try:
        with socket.socket(fileno=wish["socket"]) as listening:
            answer(listening, place, share.ready, share)
    except CowalkError as error:
        share.failed(str(error), error.exit_code)
        return error.exit_code
    except OSError as error:
        share.failed(str(error), 3)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
