"""`dr upload-custom-files` and `dr download-custom-files` against a real bucket."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drcli.cli import main
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import ensure_server
from drcli.workspace.scaffold import plan_workspace

Dr = Callable[..., Result]
THREE = ["hyperparameters.json", "model_metadata.json", "reward_function.py"]


@pytest.fixture
def bucket(workspace: Workspace, free_port: int) -> Bucket:
    return Bucket(ensure_server(workspace, free_port, "bucket"))


@pytest.fixture
def dr(workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Dr:
    """`dr` in a new workspace with an experiment `wet`."""
    for each in (workspace, Workspace(workspace.root, "wet")):
        for file in plan_workspace(each):
            file.write()
    workspace.system_env.write_text(f"DR_STORE_PORT={free_port}\n")
    experiment = Workspace(workspace.root, "wet")
    experiment.run_env.write_text("DR_LOCAL_S3_CUSTOM_FILES_PREFIX=custom_files/wet\n")
    monkeypatch.chdir(workspace.root)

    def run(*words: str, **options: str) -> Result:
        return CliRunner().invoke(main, words, catch_exceptions=False, **options)  # type: ignore[arg-type]

    return run


def actions(answer: Result) -> dict[str, str]:
    assert answer.exit_code == 0, answer.output
    return {row["file"]: row["action"] for row in json.loads(answer.stdout)["files"]}


def keys(bucket: Bucket) -> list[str]:
    return [info.key for info in bucket.list()]


def test_only_what_changed_is_uploaded(dr: Dr, workspace: Workspace, bucket: Bucket) -> None:
    reward = workspace.custom_files / "reward_function.py"
    bucket.put("custom_files/colleague.py", b"x")
    bucket.put("custom_files-old/reward_function.py", b"x")
    assert actions(dr("upload-custom-files", "--json")) == {"colleague.py": "kept"} | dict.fromkeys(
        THREE, "new"
    )
    assert bucket.get("custom_files/reward_function.py") == reward.read_bytes()
    stamps = {info.key: info.last_modified for info in bucket.list("custom_files/")}
    os.utime(reward)  # a new time alone is no change
    assert set(actions(dr("upload-custom-files", "--json")).values()) == {"kept", "unchanged"}
    assert {info.key: info.last_modified for info in bucket.list("custom_files/")} == stamps
    changed = reward.read_bytes().replace(b"1", b"2")  # of the same size
    assert len(changed) == reward.stat().st_size
    times = (reward.stat().st_atime, reward.stat().st_mtime)
    reward.write_bytes(changed)
    os.utime(reward, times)
    answer = dr("upload-custom-files")
    assert "changed    reward_function.py -> custom_files/reward_function.py" in answer.stderr
    assert answer.stdout.startswith("1 of 4 files uploaded to custom_files/ ")
    assert bucket.get("custom_files/reward_function.py") == changed
    assert (
        bucket.get("custom_files/colleague.py") == bucket.get("custom_files-old/reward_function.py") == b"x"
    )


def test_a_dry_run_moves_nothing(dr: Dr, workspace: Workspace, bucket: Bucket) -> None:
    answer = dr("upload-custom-files", "--dry-run")
    assert answer.stdout.startswith("3 of 3 files would be uploaded")
    assert "next: dr upload-custom-files" in answer.stderr
    assert keys(bucket) == []
    bucket.put("custom_files/new.py", b"x")
    answer = dr("download-custom-files", "--dry-run")
    assert "new        new.py" in answer.stderr
    assert not (workspace.custom_files / "new.py").exists()


def test_what_programs_leave_behind_stays_here(dr: Dr, workspace: Workspace, bucket: Bucket) -> None:
    folder = workspace.custom_files
    stray = (
        *(
            "a.pyc",
            "study.ipynb",
            ".env",
            "reward_function.py~",
            "#x#",
            "x.bak",
            ".x.swp",
            "Thumbs.db",
            "x.orig",
        ),
        *("__pycache__/a.py", ".ipynb_checkpoints/a.py", "lib/__pycache__/a.cpython-311.pyc", ".git/config"),
    )
    for name in (*stray, "lib/lines.py", "worker-2.env"):
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text("x = 1\n")
    (folder / "linked.py").symlink_to(folder / "lib" / "lines.py")
    answer = dr("upload-custom-files")
    assert answer.exit_code == 0
    assert sorted(keys(bucket)) == sorted(
        f"custom_files/{name}" for name in (*THREE, "lib/lines.py", "worker-2.env", "linked.py")
    )
    for name in ("a.pyc", "study.ipynb", "lib/__pycache__/", ".git/"):
        assert f"left out   {name}" in answer.stderr


def test_stray_and_dangerous_keys_are_not_downloaded(dr: Dr, workspace: Workspace, bucket: Bucket) -> None:
    for key in ("a.pyc", ".bashrc", "..\\up.py", "study.ipynb", "__pycache__/a.py", "fine/a.py"):
        bucket.put(f"custom_files/{key}", b"x")
    before = sorted(path for path in workspace.root.parent.rglob("*") if "data" not in path.parts)
    assert actions(dr("download-custom-files", "--json"))["fine/a.py"] == "new"
    after = sorted(path for path in workspace.root.parent.rglob("*") if "data" not in path.parts)
    assert sorted(set(after) - set(before)) == [
        workspace.custom_files / "fine",
        workspace.custom_files / "fine" / "a.py",
    ]


def test_a_file_that_was_changed_here_is_kept(dr: Dr, workspace: Workspace, bucket: Bucket) -> None:
    reward = workspace.custom_files / "reward_function.py"
    mine = reward.read_bytes()
    bucket.put("custom_files/reward_function.py", b"theirs")
    bucket.put("custom_files/more.py", b"more")
    answer = dr("download-custom-files")
    assert answer.exit_code == 0
    assert "kept       reward_function.py (differs)" in answer.stderr
    assert "warning: Local files that differ were kept (1); -y overwrites them." in answer.stderr
    assert reward.read_bytes() == mine
    assert (workspace.custom_files / "more.py").read_bytes() == b"more"
    found = actions(dr("download-custom-files", "-y", "--json"))
    assert (found["reward_function.py"], found["more.py"]) == ("changed", "unchanged")
    assert found["hyperparameters.json"] == "kept"  # only here
    assert reward.read_bytes() == b"theirs"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no ptys")
@pytest.mark.parametrize(("said", "content"), [("y\n", b"theirs"), ("n\n", b"mine"), ("\n", b"mine")])
def test_asks_at_a_terminal(
    dr: Dr, workspace: Workspace, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, said: str, content: bytes
) -> None:
    (workspace.custom_files / "a.py").write_bytes(b"mine")
    bucket.put("custom_files/a.py", b"theirs")
    monkeypatch.setattr("drcli.cli.download_custom_files._is_terminal", lambda: True)
    answer = dr("download-custom-files", input=said)
    assert "a.py already exists and differs. Overwrite it?" in answer.stderr
    assert (workspace.custom_files / "a.py").read_bytes() == content


def test_experiments_have_files_of_their_own(dr: Dr, workspace: Workspace, bucket: Bucket) -> None:
    own = Workspace(workspace.root, "wet").custom_files
    (own / "wet.py").write_text("")
    assert dr("-e", "wet", "upload-custom-files").exit_code == 0
    assert keys(bucket) == [f"custom_files/wet/{name}" for name in (*THREE, "wet.py")]
    answer = dr("download-custom-files")  # of the workspace: what belongs to the experiment is not its
    assert answer.exit_code == 0 and not (workspace.custom_files / "wet").exists()
    (own / "wet.py").unlink()
    answer = dr("-e", "wet", "download-custom-files")
    assert (own / "wet.py").read_text() == ""
    assert "next: dr -e wet start-training" in answer.stderr


def test_faults_are_said_and_do_not_hinder(
    dr: Dr, workspace: Workspace, bucket: Bucket, tmp_path: Path
) -> None:
    folder = workspace.custom_files
    (folder / "hyperparameters.json").write_text('{\n"batch_size": -3\n}')
    (folder / "model_metadata.json").unlink()
    reward = folder / "reward_function.py"
    reward.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef reward_function(params)\n    return 1.0\n")
    answer = dr("upload-custom-files")
    assert answer.exit_code == 0
    assert f"warning: {folder / 'hyperparameters.json'}:2: " in answer.stderr
    assert f"warning: {folder / 'model_metadata.json'} is missing" in answer.stderr
    assert f"warning: {reward}:2: expected ':'" in answer.stderr
    assert len(keys(bucket)) == 2
    reward.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef reward(params):\n    return '\\d'\n")
    assert f"warning: {reward}: reward_function(params) is not defined" in dr("upload-custom-files").stderr
    assert not (tmp_path / "ran").exists()  # looked at, not run


def test_a_folder_in_the_way(dr: Dr, workspace: Workspace, bucket: Bucket) -> None:
    (workspace.custom_files / "a.py").mkdir()
    bucket.put("custom_files/a.py", b"x")
    answer = dr("download-custom-files")
    assert answer.exit_code == 1
    assert "a.py is a folder" in answer.stderr
