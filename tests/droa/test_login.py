from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from droa_server import PASSWORD, REFRESH_TOKEN, SESSION_TOKEN, USER, model
from droa_user import DroaUser

from drcli import env, paths


def login_files() -> list[Path]:
    return list(paths.droa_logins().glob("*")) if paths.droa_logins().is_dir() else []


def test_a_login_is_kept_for_its_owner_alone(visitor: DroaUser) -> None:
    answer = visitor.done("droa", "login", "--password-stdin", answer=f"{PASSWORD}\n")
    assert (
        f"{USER} is logged in to {visitor.server.url}" in answer.stdout
        and "next: dr droa list" in answer.stderr
    )
    (path,) = login_files()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    kept = path.read_text()
    assert REFRESH_TOKEN in kept and SESSION_TOKEN in kept and PASSWORD not in kept
    visitor.done("droa", "list")


@pytest.mark.parametrize("way", ["stdin", "environment"])
def test_in_scripts(visitor: DroaUser, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "stdin":
        visitor.done("droa", "login", "--password-stdin", answer=f"{PASSWORD}\r\nmore\n")
    else:
        monkeypatch.setenv(env.DR_DROA_PASSWORD, PASSWORD)
        visitor.done("droa", "login")
    assert len(login_files()) == 1


def test_a_password_in_the_command_line_is_refused(visitor: DroaUser) -> None:
    for words in (("login",), ("list",)):
        said = visitor.refused("droa", *words, "--password", "hunter2", code=2)
        assert "can be read by other users" in said and "--password-stdin" in said and "hunter2" not in said


def test_the_user_name_is_asked_for(visitor: DroaUser) -> None:
    env_file = visitor.workspace.system_env
    env_file.write_text(env_file.read_text().replace("DR_DROA_USERNAME", "# "))
    visitor.done("droa", "login", "--password-stdin", answer=f"{USER}\n{PASSWORD}\n")
    assert visitor.refused("droa", "list", "--username", "else") == (
        f"error: {USER} is logged in to {visitor.server.url}, not else.\n"
        "hint: Log in as the other user: dr droa login\n"
    )


def test_outside_of_a_workspace(visitor: DroaUser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "Set DR_DROA_URL" in visitor.refused("droa", "login", code=2)
    at = ("--url", visitor.server.url + "/")
    visitor.done("droa", "login", *at, "--username", USER, "--password-stdin", answer=f"{PASSWORD}\n")
    visitor.done("droa", "list", *at)


@pytest.mark.parametrize(
    ("code", "said", "shown"),
    [
        ("NotAuthorizedException", "Incorrect username or password.", "was refused: Incorrect username"),
        ("NotAuthorizedException", "User is disabled.", "User is disabled."),
        ("UserNotFoundException", "User does not exist.", f"There is no user {USER}"),
        ("PasswordResetRequiredException", "", "has to be reset"),
        ("UserNotConfirmedException", "", "has not been confirmed"),
        ("InvalidParameterException", "USER_PASSWORD_AUTH flow not enabled", "Its administrator can allow"),
        ("ResourceNotFoundException", "User pool client does not exist.", "deployed anew"),
        ("LimitExceededException", "", "Wait a few minutes"),
        ("SomethingElse", "odd", "failed: odd (SomethingElse)"),
    ],
)
def test_a_refused_login(visitor: DroaUser, code: str, said: str, shown: str) -> None:
    visitor.server.refusal = (code, said)
    assert shown in visitor.refused("droa", "login", "--password-stdin", answer=f"{PASSWORD}\n")
    assert login_files() == []


def test_a_wrong_password_keeps_the_login(user: DroaUser) -> None:
    assert "Incorrect username or password" in user.refused(
        "droa", "login", "--password-stdin", answer="wrong\n"
    )
    user.done("droa", "list")
    assert "--password-stdin or in DR_DROA_PASSWORD" in user.refused("droa", "login", code=2)
    assert "The password is empty" in user.refused("droa", "login", "--password-stdin", answer="\n", code=2)


@pytest.mark.parametrize(
    ("challenge", "shown"),
    [
        ("NEW_PASSWORD_REQUIRED", "Log in once in a browser"),
        ("SOFTWARE_TOKEN_MFA", "another step: SOFTWARE_TOKEN_MFA"),
    ],
)
def test_a_challenge(visitor: DroaUser, challenge: str, shown: str) -> None:
    visitor.server.challenge = challenge
    assert shown in visitor.refused("droa", "login", "--password-stdin", answer=f"{PASSWORD}\n")


def test_a_user_without_a_role(visitor: DroaUser) -> None:
    visitor.server.no_role = True
    said = visitor.refused("droa", "login", "--password-stdin", answer=f"{PASSWORD}\n")
    assert "grants this user no access (Access to Identity is forbidden)" in said and "dr-racers" in said


def test_keys_are_renewed_silently(visitor: DroaUser) -> None:
    visitor.server.keys_for_s = 10
    visitor.log_in()
    visitor.server.keys_for_s = 3600
    before = json.loads(login_files()[0].read_text())["keys"]["expires_at"]
    visitor.done("droa", "list")
    assert json.loads(login_files()[0].read_text())["keys"]["expires_at"] > before + 1000
    visitor.server.expired_keys = True  # ended before their time
    visitor.done("droa", "list")


def test_a_login_that_has_expired(visitor: DroaUser) -> None:
    visitor.server.keys_for_s = 10
    visitor.log_in()
    visitor.server.is_revoked = True
    said = visitor.refused("droa", "list")
    assert "has expired" in said and "dr droa login" in said


def test_logging_out(user: DroaUser) -> None:
    assert "Logged out" in user.done("droa", "login", "--forget").stdout
    assert user.server.is_revoked and login_files() == []
    assert "You were not logged in" in user.done("droa", "login", "--forget").stdout
    said = user.refused("droa", "list")
    assert "You are not logged in to" in said and "dr droa login" in said


def test_a_broken_file(user: DroaUser) -> None:
    login_files()[0].write_text("{")
    assert "`dr droa login` writes it again" in user.refused("droa", "list")
    user.log_in()
    user.done("droa", "list")


def test_no_network_for_the_login(visitor: DroaUser, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", f"http://127.0.0.1:{free_port}")
    assert "is unreachable" in visitor.refused("droa", "login", "--password-stdin", answer=f"{PASSWORD}\n")


def test_what_is_secret_is_not_in_any_repr(user: DroaUser) -> None:
    from drcli.droa import login_file
    from drcli.droa.droa_deployment import find_deployment
    from drcli.droa.session import resume

    session = resume(find_deployment(user.server.url, {}))
    text = f"{session} {vars(session)} {login_file.read(session.deployment)}"
    assert USER in text and SESSION_TOKEN not in text and REFRESH_TOKEN not in text
    assert (user.server.store.secret_key or "") not in text


def test_two_deployments_have_two_logins(user: DroaUser) -> None:
    user.server.add(model(1, "fast-1"))
    words = ("--user-pool-client-id", "other")
    assert "You are not logged in" in user.refused("droa", "list", *words)
    user.done("droa", "list")
