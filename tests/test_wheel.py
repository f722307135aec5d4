"""The package as `make wheel` builds it, installed away from the clone: `dr` works there as it does here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from racing import HYPERPARAMETERS, QUICK, TINY_TRACK

from drcli.launch.docker import image_context
from tests.conftest import free_port

ROOT = Path(__file__).parents[1]
FOREIGN = ("PYTHON", "DR_", "AWS_", "COV_")

pytestmark = pytest.mark.slow


class Installation:
    """A virtual environment with the wheel and nothing of the clone; its packages are those of the one we run in."""

    def __init__(self, root: Path, wheel: Path) -> None:
        venv.create(root, with_pip=False)
        scripts = root / ("Scripts" if sys.platform == "win32" else "bin")
        self.root, self.python, self.dr = root, scripts / "python", scripts / "dr"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        pip = [sys.executable, "-m", "pip", "--python", str(self.python)]
        subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
        # A folder named in a .pth is searched, but its own .pth are not: an editable drcli in it is not found.
        own = Path(
            self.run(self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=root)
        )
        packages = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
        (own / "dependencies.pth").write_text("".join(f"{path}\n" for path in packages))

    def run(self, *words: str | Path, cwd: Path) -> str:
        """A program of this environment to its end; what it printed."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    offline = ["--no-build-isolation"] if find_spec("hatchling") else []
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *offline]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("installed") / "venv", wheel)


@pytest.fixture
def workspace_root(installed: Installation, tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "racer"
    root.mkdir()
    yield root
    installed.run(installed.dr, "stop-all", "-y", cwd=root)


def test_all_data_files_are_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    wanted = {
        f"drcli/{folder}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder in ("compose", "defaults")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= inside
    assert not [name for name in inside if name.startswith(("tests/", "docs/", "benchmarks/"))]


def test_the_image_is_built_from_an_installation_as_from_a_clone(
    installed: Installation, tmp_path: Path
) -> None:
    code = "from drcli.launch.docker import image_context as i; print(i.current_content())"
    assert installed.run(installed.python, "-c", code, cwd=tmp_path) == image_context.current_content()


def test_a_workspace_and_a_training(installed: Installation, workspace_root: Path) -> None:
    root = workspace_root
    code = "import drcli.paths as p; print(p.__file__, p.defaults_dir(), p.compose_dir(), sep='\\n')"
    places = installed.run(installed.python, "-c", code, cwd=root).splitlines()
    assert all(Path(place).is_relative_to(installed.root) for place in places), places
    installed.run(installed.dr, "init", cwd=root)
    (root / "data/tracks").mkdir(parents=True)
    (root / "data/tracks/tiny.yaml").write_text(TINY_TRACK)
    (root / "custom_files/hyperparameters.json").write_text(json.dumps(HYPERPARAMETERS))
    quick = [word for name, value in QUICK.items() for word in ("--set", f"{name}={value}")]
    port = ("--set", f"DR_STORE_PORT={free_port()}")
    installed.run(installed.dr, "start-training", *quick, *port, cwd=root)
    checkpoints = list((root / "data/minio/bucket/rl-deepracer-sagemaker/model").glob("*.ckpt*"))
    assert checkpoints
