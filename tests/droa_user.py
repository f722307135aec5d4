"""A DeepRacer on AWS of our own, and a workspace that knows its address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import pytest
from click.testing import CliRunner, Result
from droa_server import PASSWORD, SECRETS, USER, DroaServer, serving

from drcli.cli import main
from drcli.droa import assets, cognito, model_import, web
from drcli.paths import Workspace
from drcli.store.client import Bucket
from drcli.store.store_config import StoreConfig

_numbers = count(1)


@dataclass(frozen=True)
class DroaUser:
    """Somebody at a terminal; nothing secret may ever show up there."""

    server: DroaServer
    workspace: Workspace
    own: Bucket

    def dr(self, *words: str, answer: str | None = None) -> Result:
        result = CliRunner().invoke(main, words, input=answer)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        secrets = (*SECRETS, self.server.store.secret_key or "")
        assert not [secret for secret in secrets if secret in result.output], result.output
        return result

    def done(self, *words: str, answer: str | None = None) -> Result:
        result = self.dr(*words, answer=answer)
        assert result.exit_code == 0, result.output
        return result

    def refused(self, *words: str, answer: str | None = None, code: int = 1) -> str:
        result = self.dr(*words, answer=answer)
        assert result.exit_code == code, result.output
        return result.stderr

    def log_in(self) -> None:
        self.done("droa", "login", "--password-stdin", answer=f"{PASSWORD}\n")


@pytest.fixture
def visitor(store: StoreConfig, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[DroaUser]:
    """Not logged in."""
    number = next(_numbers)
    own = Bucket(replace(store, bucket=f"droa-{number}"))
    own.ensure_bucket()
    with serving(store, f"droa-upload-{number}") as server:
        for service in ("COGNITO_IDENTITY_PROVIDER", "COGNITO_IDENTITY"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", server.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", str(store.endpoint_url))
        monkeypatch.setattr(cognito, "ATTEMPTS", 1)
        monkeypatch.setattr(web, "PATIENCE_S", 0.0)
        monkeypatch.setattr(web, "pause_s", lambda attempts: 0.01)
        monkeypatch.setattr(assets, "PAUSE_S", 0.01)
        monkeypatch.setattr(model_import, "PAUSE_S", 0.01)
        workspace.system_env.write_text(
            f"DR_CLOUD=remote\nDR_REMOTE_MINIO_URL={store.endpoint_url}\nDR_LOCAL_S3_BUCKET={own.config.bucket}\n"
            f"DR_LOCAL_ACCESS_KEY_ID={store.access_key}\nDR_LOCAL_SECRET_ACCESS_KEY={store.secret_key}\n"
            f"DR_DROA_URL={server.url}\nDR_DROA_USERNAME={USER}\nDR_DROA_DEBUG=1\n"
        )
        workspace.run_env.write_text("DR_LOCAL_S3_MODEL_PREFIX=model\nDR_WORLD_NAME=reInvent2019_track\n")
        monkeypatch.chdir(workspace.root)
        yield DroaUser(server, workspace, own)


@pytest.fixture
def user(visitor: DroaUser) -> DroaUser:
    """Logged in."""
    visitor.log_in()
    return visitor
