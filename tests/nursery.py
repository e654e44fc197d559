"""Starts publishers and kills them at random moments: python nursery.py MODEL MODEL TARGET KILLS LONGEST.

The parent imports once and forks before anything runs, so that a kill costs no new start of Python. It prints
a line after each kill and waits for a line before the next, so that a reader can look in between.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time

from cowalk.online import publish


def publish_for_ever(models: list[str], target: str) -> None:
    """Publish one after another until killed."""
    while True:
        for model in models:
            publish(model, target)


def main() -> None:
    """Fork, wait, kill, tell."""
    *models, target, kills, longest = sys.argv[1:]
    chance = random.Random(os.environ.get("NURSERY_SEED", "1"))
    for _ in range(int(kills)):
        child = os.fork()
        if child == 0:
            publish_for_ever(models, target)
        time.sleep(chance.uniform(0, float(longest)))
        ended, _ = os.waitpid(child, os.WNOHANG)
        os.kill(child, signal.SIGKILL) if not ended else None
        print("ended by itself" if ended else "killed", flush=True)
        os.waitpid(child, 0) if not ended else None
        sys.stdin.readline()


if __name__ == "__main__":
    main()
