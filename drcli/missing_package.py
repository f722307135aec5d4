"""The package that provides a missing module, and the command that installs it."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

from drcli import env

# Modules whose package has a different name, limited to those that reward functions are likely to import.
_PACKAGES = {
    "attr": "attrs",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def package_of(module: str) -> str:
    """The name of the package that provides a module: `cv2` → opencv-python-headless."""
    root = module.partition(".")[0]
    return _PACKAGES.get(root, root)


def install_command(package: str) -> str:
    """The command that installs a package next to drcli: in an image, with pipx or uv, or in a virtual environment."""
    prefix = Path(sys.prefix)
    if env.read(env.DR_CONTAINER):
        return image_command(package)
    if (prefix / "pipx_metadata.json").is_file():
        return f"pipx inject {prefix.name} {package}"
    python = shlex.quote(sys.executable)
    if (prefix / "uv-receipt.toml").is_file():
        return f"uv pip install --python {python} {package}"
    return f"{python} -m pip install {package}"


def image_command(package: str) -> str:
    """The command that adds a package to the image of our engine."""
    return f"dr images build --with {package}"


def is_beside(module: str, folder: Path) -> bool:
    """Whether the module is a file or folder of the user's own in `folder`."""
    path = folder / module.partition(".")[0]
    return path.is_dir() or path.with_suffix(".py").is_file()


def advice(module: str, folder: Path | None = None) -> str:
    """How to make `import module` work; empty if its package is installed and has no such module.

    Args:
        module: the name in Python's error message.
        folder: the folder of the file that imports it; the module may be the user's own file beside it.
    """
    root = module.partition(".")[0]
    if not root or (root != module and find_spec(root) is not None):
        return ""
    if folder is not None and is_beside(module, folder):
        return f"Only the reward function itself is sent to the workers: copy the code of {root} into it."
    command = install_command(package_of(root))
    if root in _PACKAGES:
        return f"`{command}` installs it."
    return f"`{command}` installs it, if the package has the same name."
