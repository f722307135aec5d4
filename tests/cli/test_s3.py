from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drcli.cli import main
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import ensure_server

Dr = Callable[..., Result]


@pytest.fixture
def bucket(workspace: Workspace, free_port: int, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """The bucket of a workspace, with two models."""
    workspace.system_env.write_text(f"DR_STORE_PORT={free_port}\n")
    workspace.run_env.write_text("")
    monkeypatch.chdir(workspace.root)
    bucket = Bucket(ensure_server(workspace, free_port, "bucket"))
    for name in ("model/a.txt", "model/b.txt", "model-10/keep.txt"):
        bucket.put(name, b"x" * 1500)
    return bucket


@pytest.fixture
def dr(bucket: Bucket) -> Dr:
    def run(*words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(main, ["s3", *words], input=answer, catch_exceptions=False)

    return run


def keys(bucket: Bucket) -> list[str]:
    return [info.key for info in bucket.list()]


def test_ls(dr: Dr) -> None:
    said = dr("ls")
    assert [line.split()[-3] for line in said.stdout.splitlines()[1:]] == ["model-10/", "model/"]
    assert "3 objects, 4.5 kB" in said.stderr
    assert [row["key"] for row in json.loads(dr("ls", "model", "--json").stdout)] == [
        "model/a.txt",
        "model/b.txt",
    ]
    assert len(json.loads(dr("ls", "-r", "--json").stdout)) == 3
    assert "nothing in s3://bucket/none" in dr("ls", "none").stderr
    assert dr("ls", "s3://").stdout == "bucket\n"


def test_cp_there_and_back(dr: Dr, bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "reward.py").write_text("def reward_function(params): return 1.0\n")
    said = dr("cp", str(tmp_path / "reward.py"), "s3:custom_files/")
    assert (
        said.stdout == "Copied 1 object, 40 bytes.\n"
        and "reward.py -> s3://bucket/custom_files/" in said.stderr
    )
    dr("cp", "s3://bucket/custom_files/reward.py", str(tmp_path / "back.py"))
    assert (tmp_path / "back.py").read_text() == (tmp_path / "reward.py").read_text()
    dry = dr("cp", "-r", "--dry-run", "s3:model", "s3:copy")
    assert dry.stdout == "Would copy 2 objects, 3.0 kB.\n" and "copy/a.txt" not in keys(bucket)
    refused = dr("cp", "s3:model", str(tmp_path))
    assert refused.exit_code == 1 and "--recursive" in refused.stderr


def test_rm_shows_asks_and_leaves_siblings(dr: Dr, bucket: Bucket) -> None:
    refused = dr("rm", "model")
    assert refused.exit_code == 1 and "It is a folder" in refused.stderr
    no = dr("rm", "-r", "model", answer="n\n")
    assert no.exit_code == 1 and "deletes  s3://bucket/model/a.txt" in no.stderr and len(keys(bucket)) == 3
    assert dr("rm", "-r", "model", "--dry-run").stdout == "Would delete 2 objects, 3.0 kB.\n"
    assert len(keys(bucket)) == 3
    assert dr("rm", "-r", "model", answer="y\n").stdout == "Deleted 2 objects, 3.0 kB.\n"
    assert keys(bucket) == ["model-10/keep.txt"]
    assert dr("rm", "model-10/keep.txt").exit_code == 0 and keys(bucket) == []


@pytest.mark.parametrize("text", ["", "/", "s3:", "s3://bucket", "s3://bucket/"])
def test_rm_never_takes_the_whole_bucket(dr: Dr, bucket: Bucket, text: str) -> None:
    answer = dr("rm", "-r", "-y", text)
    assert answer.exit_code == 2 and "whole bucket" in answer.stderr
    assert len(keys(bucket)) == 3


def test_sync(dr: Dr, bucket: Bucket, tmp_path: Path) -> None:
    here = str(tmp_path / "here")
    assert dr("sync", "s3:model", here).stdout == "Copied 2 objects, 3.0 kB.\n"
    again = dr("sync", "s3:model", here)
    assert again.stdout == "Copied 0 objects, 0 bytes.\n" and "2 unchanged" in again.stderr
    (Path(here) / "b.txt").unlink()
    assert (
        "would delete  s3://bucket/model/b.txt"
        in dr("sync", "--delete", "--dry-run", here, "s3:model").stderr
    )
    assert dr("sync", "--delete", here, "s3:model", answer="n\n").exit_code == 1
    assert "model/b.txt" in keys(bucket)
    assert dr("sync", "--delete", "-y", here, "s3:model").exit_code == 0
    assert keys(bucket) == ["model-10/keep.txt", "model/a.txt"]


def test_mb(dr: Dr, bucket: Bucket) -> None:
    assert dr("mb", "backup").stdout == "The bucket backup was created.\n"
    assert dr("mb", "s3://backup/").stdout == "The bucket backup already exists.\n"
    assert "backup" in bucket.names()


@pytest.mark.parametrize("words", [(), ("ls",), ("cp",), ("rm",), ("sync",), ("mb",)])
def test_help_has_an_example(words: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(main, ["s3", *words, "--help"])
    assert answer.exit_code == 0 and f"  dr s3 {' '.join(words)}" in answer.stdout
