from __future__ import annotations

from pathlib import Path

import pytest
from conftest import free_port
from drfc_folder import make_folder, write_profile

from drcli.config.load import load_settings
from drcli.errors import DrError, UsageError
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.server import ensure_server, server_status, stop_server
from drcli.workspace import drfc_import


@pytest.fixture
def folder(tmp_path: Path, bucket: Bucket) -> Path:
    """A folder whose MinIO runs: the session's server plays its part, and the key is in the profile `minio`."""
    config = bucket.config
    write_profile(Path.home(), "minio", config.access_key, config.secret_key)
    port = str(config.endpoint_url).rpartition(":")[2]
    return make_folder(
        tmp_path / "deepracer-for-cloud", system={"DR_LOCAL_S3_BUCKET": config.bucket, "DR_STORE_PORT": port}
    )


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def train(bucket: Bucket, prefix: str) -> None:
    """What the community's engine leaves, in small."""
    bucket.put(f"{prefix}/training_params.yaml", b"WORLD_NAME: 'reinvent_base'\n")
    bucket.put(f"{prefix}/model/3_Step-96.ckpt.index", b"i" * 2000)
    bucket.put(f"{prefix}/model/.coach_checkpoint", b"3_Step-96.ckpt")


def test_the_configuration_with_our_own_engine(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "racer"
    before = contents(folder)
    planned = drfc_import.plan_import(folder, target)
    assert not target.exists()
    planned.write()
    settings = load_settings(Workspace(target))
    assert (settings.docker_style, settings.simapp_source, settings.simapp_version) == (
        "process",
        "drcli/simapp",
        "",
    )
    assert (settings.minio_image, settings.world_name, settings.webviewer_port) == ("", "reinvent_base", 8100)
    written = contents(target)
    assert written["run.env"] == before["run.env"]
    assert written["worker-2.env"] == before["worker-2.env"]
    assert {"custom_files/reward_function.py", "experiments/wet/run.env"} <= set(written)
    assert {"experiments/wet/custom_files/hyperparameters.json"} <= set(written)
    assert not any(name.startswith(("data", "tmp", "bin")) for name in written)
    assert contents(folder) == before


def test_old_lines_stay_as_comments(folder: Path, tmp_path: Path) -> None:
    planned = drfc_import.plan_import(folder, tmp_path / "racer")
    planned.write()
    text = (tmp_path / "racer" / "system.env").read_text()
    assert "# DeepRacer-for-Cloud: DR_DOCKER_STYLE=swarm\nDR_DOCKER_STYLE=process\n" in text
    assert "# DR_DISPLAY=:99\n" in text and text.startswith("# Settings of the machine\n")
    new = {change.after for change in planned.changes}
    old = [line.removeprefix("# DeepRacer-for-Cloud: ") for line in text.splitlines() if line not in new]
    assert old == (folder / "system.env").read_text().splitlines()


def test_windows_line_ends_stay(folder: Path, tmp_path: Path) -> None:
    system = folder / "system.env"
    system.write_bytes(system.read_bytes().replace(b"\n", b"\r\n"))
    drfc_import.plan_import(folder, tmp_path / "racer").write()
    written = (tmp_path / "racer" / "system.env").read_bytes()
    assert written.count(b"\n") == written.count(b"\r\n") > 20


def test_the_engine_can_be_kept(folder: Path, tmp_path: Path) -> None:
    planned = drfc_import.plan_import(folder, tmp_path / "racer", keep_engine=True)
    assert planned.changes == ()
    with pytest.raises(UsageError, match="one MinIO"):
        drfc_import.plan_import(folder, tmp_path / "racer", keep_engine=True, own_bucket=True)


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "racer"
    drfc_import.plan_import(folder, target).write()
    (target / "run.env").write_text("DR_WORLD_NAME=drcli_oval\n")
    again = drfc_import.plan_import(folder, target)
    states = {file.name: file.state.value for file in again.files}
    assert states.pop("run.env") == "differs" and set(states.values()) == {"current"}
    again.write()
    assert (target / "run.env").read_text() == "DR_WORLD_NAME=drcli_oval\n"


def test_junk_stays_behind(folder: Path, tmp_path: Path) -> None:
    (folder / "custom_files" / "__pycache__").mkdir()
    (folder / "custom_files" / "__pycache__" / "reward.cpython-311.pyc").write_bytes(b"x")
    (folder / "custom_files" / "notes.txt").write_text("mine")
    names = {file.name for file in drfc_import.plan_import(folder, tmp_path / "racer").files}
    assert "custom_files/notes.txt" in names and not any("pycache" in name for name in names)


def test_a_style_that_an_init_has_left_open(folder: Path, tmp_path: Path) -> None:
    text = (
        (folder / "system.env").read_text().replace("DR_DOCKER_STYLE=swarm", "DR_DOCKER_STYLE=<DOCKER_STYLE>")
    )
    (folder / "system.env").write_text(text)
    planned = drfc_import.plan_import(folder, tmp_path / "racer")
    assert planned.settings.docker_style == "process"


def test_what_cannot_be_imported(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DrError, match=r"is not a DeepRacer-for-Cloud folder: system\.env is missing"):
        drfc_import.plan_import(tmp_path, tmp_path / "racer")
    with pytest.raises(UsageError, match="into itself"):
        drfc_import.plan_import(folder, folder)
    with pytest.raises(UsageError, match="is inside the imported folder"):
        drfc_import.plan_import(folder, folder / "custom_files" / "new")
    (folder / "run.env").write_text("DR_EVAL_NUMBER_OF_TRIALS=many\n")
    with pytest.raises(UsageError, match=r"run\.env:1: DR_EVAL_NUMBER_OF_TRIALS=many"):
        drfc_import.plan_import(folder, tmp_path / "racer")
    assert not (tmp_path / "racer").exists()


def test_models_come_from_the_store_that_runs(folder: Path, tmp_path: Path, bucket: Bucket) -> None:
    for prefix in ("model", "model-10", "team/first"):
        train(bucket, prefix)
    planned = drfc_import.plan_import(folder, tmp_path / "racer", own_bucket=True)
    source, prefixes = drfc_import.models_of(planned)
    assert prefixes == ["model", "model-10", "team/first"]
    planned.write()
    told: list[int] = []
    copied = list(
        drfc_import.copy_models(
            planned, source, ["model", "team/first"], lambda *words: told.append(words[1])
        )
    )
    assert [(model.prefix, model.objects, model.was_there) for model in copied] == [
        ("model", 3, False),
        ("team/first", 3, False),
    ]
    assert told and not server_status(planned.target).running
    try:
        target = Bucket(ensure_server(planned.target, free_port(), bucket.config.bucket))
        assert {info.key for info in target.list()} == {
            info.key for info in bucket.list() if not info.key.startswith("model-10/")
        }
        assert target.get("model/model/3_Step-96.ckpt.index") == b"i" * 2000
        target.put("model/mine.txt", b"kept")
        again = list(drfc_import.copy_models(planned, source, ["model"]))
        assert again[0].was_there and target.get("model/mine.txt") == b"kept"
    finally:
        stop_server(planned.target)


def test_a_model_that_is_not_there(folder: Path, tmp_path: Path, bucket: Bucket) -> None:
    train(bucket, "model-10")
    planned = drfc_import.plan_import(folder, tmp_path / "racer", own_bucket=True)
    with pytest.raises(DrError, match="Model model was not found in") as refused:
        drfc_import.models_of(planned, ["model"])
    assert "model-10" in refused.value.hint


def test_minios_files_need_minio(folder: Path, tmp_path: Path) -> None:
    text = (folder / "system.env").read_text()
    (folder / "system.env").write_text(f"{text}\nDR_STORE_PORT={free_port()}\n")
    planned = drfc_import.plan_import(folder, tmp_path / "racer", own_bucket=True)
    with pytest.raises(DrError, match="only MinIO can read") as refused:
        drfc_import.models_of(planned)
    assert "dr store start" in refused.value.hint


def test_of_a_bucket_elsewhere_the_workspace_gets_its_own(folder: Path, tmp_path: Path) -> None:
    (folder / "system.env").write_text("DR_CLOUD=remote\nDR_REMOTE_MINIO_URL=http://127.0.0.1:9\n")
    assert drfc_import.plan_import(folder, tmp_path / "a").settings.cloud == "remote"
    assert drfc_import.plan_import(folder, tmp_path / "b", own_bucket=True).settings.cloud == "local"
