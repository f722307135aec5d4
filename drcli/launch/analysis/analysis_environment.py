"""The virtual environment of log analysis: built once for all workspaces of a user, complete or not at all.

Its packages stay away from those of drcli, which may need other versions. The versions that we have tried are here.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import Protocol

from drcli.errors import DrError
from drcli.launch import local_process
from drcli.local import lock
from drcli.paths import user_cache

PACKAGES = ("deepracer-utils==1.5.6", "jupyterlab==4.6.6", "jupytext==1.19.6", "ipympl==0.10.0")

_STEPS = ("Collecting", "Downloading", "Building", "Installing")  # words of pip that show how far it is
_COMPLETE = "complete"


class Talk(Protocol):
    """Where it is told how far things are."""

    def line(self, text: str) -> None:
        """A step, of which only the last one is of interest."""

    def say(self, text: str) -> None:
        """A message that stays."""


def ensure(talk: Talk) -> Path:
    """The environment's Python. The first call builds it, which takes minutes.

    Raises DrError if it cannot be built; nothing is left behind then.
    """
    home = _home()
    home.parent.mkdir(parents=True, exist_ok=True)
    with lock(home.with_suffix(".lock")):
        if not (home / _COMPLETE).is_file():
            shutil.rmtree(home, ignore_errors=True)  # of a command that was killed
            try:
                _build(home, talk)
            except BaseException:
                shutil.rmtree(home, ignore_errors=True)
                raise
            (home / _COMPLETE).touch()
    return _python(home)


def _home() -> Path:
    """A folder for these packages and this Python; with others a new one is built."""
    content = " ".join((*PACKAGES, sys.version.split()[0]))
    return user_cache() / "analysis" / hashlib.sha256(content.encode()).hexdigest()[:12]


def _build(home: Path, talk: Talk) -> None:
    talk.say(f"Building a virtual environment of about 750 MB in {home}, once for all workspaces.")
    made = local_process.run([sys.executable, "-m", "venv", str(home)])
    if made.code:
        raise DrError(
            f"The virtual environment {home} was not built: {made.last_words or made.stdout.strip()}",
            "On Debian and Ubuntu it needs the package python3-venv.",
        )
    python, errors = (str(_python(home)), "-I"), []  # -I: it must not see our packages (PYTHONPATH)
    options = ("--no-input", "--progress-bar", "off", "--disable-pip-version-check")
    for line in local_process.lines([*python, "-m", "pip", "install", *options, *PACKAGES]):
        if line.startswith(_STEPS):
            talk.line(line)
        elif line.startswith("ERROR"):
            errors.append(line)
    checked = local_process.run([*python, "-c", "import deepracer.logs, jupyterlab"])
    if checked.code:
        raise DrError(
            f"{' and '.join(PACKAGES)} were not installed:\n" + ("\n".join(errors) or checked.last_words),
            "pip has to reach a package index; it reads your settings (`pip config list`) and variables.",
        )


def _python(home: Path) -> Path:
    return home / "Scripts" / "python.exe" if sys.platform == "win32" else home / "bin" / "python"
