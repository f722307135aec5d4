from __future__ import annotations

import os
from pathlib import Path

import pytest

from drcli.errors import DrError, UsageError
from drcli.store import s3_commands
from drcli.store.client import Bucket
from drcli.store.s3_commands import Remote


@pytest.fixture
def filled(bucket: Bucket) -> Bucket:
    for key, data in {
        "model/a.txt": b"a",
        "model/deep/b.txt": b"bb",
        "model-10/c.txt": b"ccc",
        "top.txt": b"t",
    }.items():
        bucket.put(key, data)
    return bucket


def keys(bucket: Bucket) -> set[str]:
    return {info.key for info in bucket.list()}


def test_what_texts_mean(bucket: Bucket) -> None:
    assert s3_commands.place("s3:a/b", bucket) == Remote(bucket, "a/b")
    assert s3_commands.place("a/b", bucket) == Path("a/b")
    assert s3_commands.remote("a/b", bucket, bare=True) == Remote(bucket, "a/b")
    other = s3_commands.place("s3://other/a", bucket)
    assert isinstance(other, Remote) and str(other) == "s3://other/a"
    assert other.bucket.config.endpoint_url == bucket.config.endpoint_url
    with pytest.raises(UsageError, match="names no bucket"):
        s3_commands.place("s3:///a", bucket)


def test_a_listing_folds_folders(filled: Bucket) -> None:
    found = s3_commands.entries(Remote(filled, ""), recursive=False)
    assert [(e.key, e.size_bytes, e.objects) for e in found] == [
        ("model-10/", 3, 1),
        ("model/", 3, 2),
        ("top.txt", 1, 1),
    ]
    assert [e.key for e in s3_commands.entries(Remote(filled, "model"), recursive=False)] == [
        "model/a.txt",
        "model/deep/",
    ]
    assert [e.key for e in s3_commands.entries(Remote(filled, "model/"), recursive=True)] == [
        "model/a.txt",
        "model/deep/b.txt",
    ]
    assert [e.key for e in s3_commands.entries(Remote(filled, "top.txt"), recursive=False)] == ["top.txt"]


def test_a_prefix_is_exact(filled: Bucket) -> None:
    assert {info.key for info in s3_commands.find(Remote(filled, "model"))} == {
        "model/a.txt",
        "model/deep/b.txt",
    }
    assert s3_commands.find(Remote(filled, "mod")) == []


def test_one_file_there_and_back(bucket: Bucket, tmp_path: Path) -> None:
    source = tmp_path / "reward.py"
    source.write_bytes(b"x" * 1000)
    moved: list[int] = []
    steps = s3_commands.plan_copy(source, Remote(bucket, "custom/"), recursive=False)
    assert s3_commands.run(steps, lambda _name, done, _total: moved.append(done)) == 1000
    assert moved[-1] == 1000
    assert bucket.get("custom/reward.py") == source.read_bytes()
    s3_commands.run(
        s3_commands.plan_copy(
            Remote(bucket, "custom/reward.py"), tmp_path / "new" / "back.py", recursive=False
        )
    )
    assert (tmp_path / "new" / "back.py").read_bytes() == source.read_bytes()


def test_folders_need_the_option(filled: Bucket, tmp_path: Path) -> None:
    with pytest.raises(DrError) as refused:
        s3_commands.plan_copy(Remote(filled, "model"), tmp_path, recursive=False)
    assert "--recursive" in refused.value.hint
    with pytest.raises(UsageError, match="is a folder"):
        s3_commands.plan_copy(tmp_path, Remote(filled, "x"), recursive=False)
    s3_commands.run(s3_commands.plan_copy(Remote(filled, "model"), tmp_path / "copy", recursive=True))
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.txt")} == {
        "copy/a.txt",
        "copy/deep/b.txt",
    }


def test_inside_the_store_also_to_another_bucket(filled: Bucket) -> None:
    s3_commands.run(s3_commands.plan_copy(Remote(filled, "model"), Remote(filled, "backup"), recursive=True))
    assert {"backup/a.txt", "backup/deep/b.txt"} <= keys(filled)
    other = s3_commands.remote("s3://other-bucket/x.txt", filled)
    assert other is not None
    other.bucket.ensure_bucket()
    assert "other-bucket" in filled.names()
    s3_commands.run(s3_commands.plan_copy(Remote(filled, "top.txt"), other, recursive=False))
    assert other.bucket.get("x.txt") == b"t"


def test_a_sync_copies_what_differs_and_deletes_when_told(filled: Bucket, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    first = s3_commands.plan_sync(Remote(filled, "model"), folder, delete=False)
    assert len(first.steps) == 2
    s3_commands.run(first.steps)
    for info in filled.list("model/"):  # so that nothing is newer on either side
        copied = folder / info.key.removeprefix("model/")
        assert copied.stat().st_mtime == pytest.approx(info.last_modified.timestamp())
    again = s3_commands.plan_sync(Remote(filled, "model"), folder, delete=True)
    assert (again.steps, again.deletions, again.unchanged) == ((), (), 2)
    (folder / "a.txt").write_text("longer")
    (folder / "new.txt").write_text("n")
    back = s3_commands.plan_sync(folder, Remote(filled, "model"), delete=False)
    assert [step.name for step in back.steps] == ["a.txt", "new.txt"]
    s3_commands.run(back.steps)
    (folder / "new.txt").unlink()
    last = s3_commands.plan_sync(folder, Remote(filled, "model"), delete=True)
    assert [str(one) for one in last.deletions] == [f"s3://{filled.config.bucket}/model/new.txt"]
    s3_commands.delete(last.deletions)
    assert keys(filled) == {"model/a.txt", "model/deep/b.txt", "model-10/c.txt", "top.txt"}


def test_a_newer_file_of_the_same_size_is_copied(filled: Bucket, tmp_path: Path) -> None:
    s3_commands.run(s3_commands.plan_sync(Remote(filled, "model"), tmp_path / "m", delete=False).steps)
    later = filled.list("model/a.txt")[0].last_modified.timestamp() + 60
    (tmp_path / "m" / "a.txt").write_bytes(b"A")
    os.utime(tmp_path / "m" / "a.txt", (later, later))
    steps = s3_commands.plan_sync(tmp_path / "m", Remote(filled, "model"), delete=False).steps
    assert [step.name for step in steps] == ["a.txt"]


def test_nothing_is_not_synced_over_something(filled: Bucket, tmp_path: Path) -> None:
    with pytest.raises(DrError, match="is empty or does not exist"):
        s3_commands.plan_sync(Remote(filled, "typo"), tmp_path, delete=True)
    with pytest.raises(DrError, match=r"The folder .* was not found"):
        s3_commands.plan_sync(tmp_path / "typo", Remote(filled, "model"), delete=True)


def test_what_makes_no_sense(filled: Bucket, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is in the bucket"):
        s3_commands.plan_copy(tmp_path, tmp_path, recursive=True)
    with pytest.raises(UsageError, match="onto itself"):
        s3_commands.plan_copy(Remote(filled, "a"), Remote(filled, "a"), recursive=False)
    with pytest.raises(DrError, match=r"The object .* was not found"):
        s3_commands.plan_copy(Remote(filled, "none"), tmp_path, recursive=False)
    with pytest.raises(DrError, match=r"The file .* was not found"):
        s3_commands.plan_copy(tmp_path / "none", Remote(filled, "a"), recursive=False)


def test_a_key_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DrError, match="leads out of"):
        s3_commands._inside(tmp_path / "here", "../there.txt")
