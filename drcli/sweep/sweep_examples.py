"""Files to start from: the three scenarios of sweeps, and a search."""

from __future__ import annotations

from pathlib import Path

from drcli.config import yaml_lines
from drcli.errors import DrError
from drcli.local import write_atomically
from drcli.paths import defaults_dir


def write(name: str, folder: Path) -> list[Path]:
    """Write an example, and the reward functions that it names, into a folder. Raises DrError if a file exists."""
    source = defaults_dir() / "sweeps"
    content = (source / f"{name}.yaml").read_bytes()
    grid = yaml_lines.parse(content, name).value.get("grid", {})
    files = [f"{name}.yaml", *grid.get("reward_function", ())]
    for file in files:
        if (folder / file).exists():
            raise DrError(f"{folder / file} exists.", "Move it away, or run this command in another folder.")
    for file in files:
        write_atomically(folder / file, (source / file).read_bytes(), replace=False)
    return [folder / file for file in files]
