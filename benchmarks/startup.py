"""How long `dr --help` takes, as a multiple of `python -c "import click"`; the two in turn, median of pairs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

PAIRS = 15
DR = [str(Path(sys.executable).with_name("dr")), "--help"]
CLICK = [sys.executable, "-c", "import click"]


def seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    pairs = [(seconds(DR), seconds(CLICK)) for _ in range(PAIRS + 1)][1:]
    print("| dr --help | import click | ratio |")
    print("|---|---|---|")
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"| {ours * 1000:.0f} ms | {theirs * 1000:.0f} ms | {ratio:.2f} |")


if __name__ == "__main__":
    main()
