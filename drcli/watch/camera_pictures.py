"""PNG files of what the front camera sees: 160 × 120, 8 bit grey. Called by `dr tracks frames` and `dr tracks show`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from drcli.errors import DrError
from drcli.sim.pose_files import pictures_at
from drcli.sim.track import Pose, Track


def draw_camera(track: Track, pose: Pose, path: Path) -> None:
    """Draw what the camera of a car sees whose nose is at `pose`."""
    for picture in pictures_at(track, [pose]):
        _save(Image.fromarray(picture), path)


def draw_cameras(track: Track, poses: list[Pose], folder: Path) -> Iterator[int]:
    """Draw what the camera sees at each pose, as `0.png`, `1.png`, … in `folder`; yields how many are written."""
    for number, picture in enumerate(pictures_at(track, poses)):
        _save(Image.fromarray(picture), folder / f"{number}.png")
        yield number + 1


def check_folder(folder: Path, *, force: bool) -> None:
    """Refuse a folder with other files in it, unless `force`.

    Raises:
        DrError: it is a file, or not empty.
    """
    if folder.exists() and not folder.is_dir():
        raise DrError(f"{folder} is a file.", "Choose a folder.")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise DrError(
            f"{folder} is not empty.", "Choose another folder, or write into this one with --force."
        )


def _save(image: Image.Image, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, format="png")
    except OSError as error:
        raise DrError(f"Cannot write {path}: {error.strerror}.", "Choose another place.") from None
