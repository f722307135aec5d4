"""Packing a workspace: what runs read, nothing of what they leave, no credentials; unpacking stays in its folder."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from drcli.cloud import workspace_archive
from drcli.cloud.workspace_archive import pack, unpack, without_secrets
from drcli.config.load import load_settings
from drcli.errors import DrError, UsageError
from drcli.paths import Workspace

FILES = {
    "system.env": "DR_CLOUD=aws\nDR_LOCAL_ACCESS_KEY_ID=AKIAMINE\nDR_WORKERS=2\n",
    "run.env": "DR_WORLD_NAME=drcli_oval\n",
    "worker-2.env": "DR_WORLD_NAME=drcli_harbour\n",
    "sweep.yaml": "runs: 2\n",
    "rewards/a.py": "def reward_function(params): return 1.0\n",
    "custom_files/reward_function.py": "def reward_function(params): return 1.0\n",
    "experiments/one/run.env": "DR_WORLD_NAME=one\n",
    "experiments/two/run.env": "DR_WORLD_NAME=two\n",
    "data/tracks/mine.yaml": "width_m: 1\n",
}
LEFT = {
    "data/minio/bucket/model.json": "{}",
    "data/store.key.json": "{}",
    "data/logs/0/training/sagemaker.txt": "x",
    ".git/config.json": "{}",
    "notes/.hidden.py": "",
    "custom_files/__pycache__/reward.py": "",
    "photo.png": "",
}
HELD_BACK = {"credentials.json": "{}", "keys/id_rsa.txt": "", "secrets.env": "A=b\n"}


def written(root: Path, *groups: dict[str, str]) -> Workspace:
    for group in groups:
        for name, text in group.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    return Workspace(root)


def there(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_what_a_run_reads_arrives(tmp_path: Path) -> None:
    workspace = written(tmp_path / "here", FILES, LEFT, HELD_BACK)
    packed = pack(workspace)
    assert set(packed.names) == set(FILES)
    assert set(packed.held_back) == {*HELD_BACK, "system.env:2"}
    assert unpack(packed.data, tmp_path / "there") == packed.names
    assert there(tmp_path / "there") == set(FILES)
    for name in FILES.keys() - {"system.env"}:
        assert (tmp_path / "there" / name).read_text() == FILES[name]
    settings = load_settings(Workspace(tmp_path / "there"))
    assert (settings.workers, settings.local_access_key_id) == (2, "")
    assert b"AKIAMINE" not in b"".join((tmp_path / "there" / name).read_bytes() for name in FILES)
    assert pack(workspace).data == packed.data


def test_of_experiments_only_the_chosen_one(tmp_path: Path) -> None:
    written(tmp_path, FILES)
    names = pack(Workspace(tmp_path, "two")).names
    assert "experiments/two/run.env" in names and "experiments/one/run.env" not in names


def test_nothing_that_is_linked_to(tmp_path: Path) -> None:
    workspace = written(tmp_path / "ws", FILES)
    written(tmp_path / "elsewhere", {"private.txt": "mine"})
    (tmp_path / "ws" / "link.txt").symlink_to(tmp_path / "elsewhere" / "private.txt")
    (tmp_path / "ws" / "folder").symlink_to(tmp_path / "elsewhere")
    assert set(pack(workspace).names) == set(FILES)


def test_a_workspace_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_archive, "MAX_BYTES", 300)
    workspace = written(tmp_path, FILES, {"zoo.csv": "x" * 300})
    with pytest.raises(UsageError, match=r"more than 0 MB, at zoo\.csv"):
        pack(workspace)


@pytest.mark.parametrize(
    "line",
    [
        "DR_LOCAL_SECRET_ACCESS_KEY=abc",
        "  export DR_LOCAL_ACCESS_KEY_ID='abc'  # mine",
        "# DR_LOCAL_SECRET_ACCESS_KEY=abc",
        "MY_PASSWORD=abc",
        "GIT_TOKEN=abc",
        "DR_REMOTE_MINIO_URL=http://me:abc@nas:9000",
    ],
)
def test_lines_with_secrets_stay_here(line: str) -> None:
    data = f"\ufeffDR_WORKERS=2\r\n{line}\nDR_SEED=1\n".encode()
    assert without_secrets(data, "x.env") == ("\ufeffDR_WORKERS=2\r\n\nDR_SEED=1\n".encode(), ["x.env:2"])


@pytest.mark.parametrize("line", ["DR_LOCAL_SECRET_ACCESS_KEY=", "# a password is not needed", "DR_SEED=1"])
def test_other_lines_are_kept(line: str) -> None:
    assert without_secrets(f"{line}\n".encode(), "x.env") == (f"{line}\n".encode(), [])


def archive(*entries: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as opened:
        for entry in entries:
            opened.addfile(entry, io.BytesIO(b"x" * entry.size))
    return packed.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, size: int = 1) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.size, made.linkname = kind, size, "/etc/passwd"
    return made


@pytest.mark.parametrize(
    "bad",
    [
        entry("/etc/cron.d/x"),
        entry("../outside"),
        entry("a/../../outside"),
        entry("..\\outside"),
        entry("C:/outside"),
        entry("link", tarfile.SYMTYPE, 0),
        entry("hard", tarfile.LNKTYPE, 0),
        entry("pipe", tarfile.FIFOTYPE, 0),
    ],
    ids=lambda bad: bad.name,
)
def test_an_archive_that_reaches_outside_writes_nothing(bad: tarfile.TarInfo, tmp_path: Path) -> None:
    with pytest.raises(DrError, match="The packed workspace cannot be read"):
        unpack(archive(entry("run.env"), bad), tmp_path / "ws")
    assert there(tmp_path) == set()


@pytest.mark.parametrize("cut", [0, 10, 100])
def test_a_damaged_archive_writes_nothing(cut: int, tmp_path: Path) -> None:
    data = pack(written(tmp_path / "ws", FILES)).data[:cut]
    with pytest.raises(DrError, match="The packed workspace cannot be read"):
        unpack(data, tmp_path / "new")
    assert not (tmp_path / "new").exists()
