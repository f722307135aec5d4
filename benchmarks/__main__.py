"""All benchmarks, one table after the other: `python -m benchmarks [startup|simulator|trainer|training]...`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PARTS = {
    "startup": "dr --help against a bare import of click",
    "simulator": "the simulator alone, on one core",
    "trainer": "the trainer against a bare torch loop",
    "training": "dr start-training, the whole command, until the model drives 5 of 5 laps",
}


def main() -> None:
    wanted = sys.argv[1:] or list(PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        sys.exit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    for name in wanted:
        print(f"\n## {name}: {PARTS[name]}\n", flush=True)
        subprocess.run([sys.executable, str(Path(__file__).parent / f"{name}.py")], check=True)


if __name__ == "__main__":
    main()
