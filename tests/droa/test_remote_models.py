"""Listing, finding and deleting models, and what the API may answer instead."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from droa_server import SESSION_TOKEN, model
from droa_user import DroaUser
from polling import DEADLINE_S

from drcli.droa import web


def test_the_list_has_all_pages(user: DroaUser) -> None:
    user.server.add(*(model(number, f"fast-{number}") for number in range(1, 6)))
    answer = user.done("droa", "list")
    lines = answer.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *(f"fast-{n}" for n in (5, 4, 3, 2, 1))]
    assert (
        "model0000000005" in lines[1] and "reInvent2019_track" in lines[1] and "2026-11-05 18:59" in lines[1]
    )
    assert "next: dr droa get fast-5" in answer.stderr
    documents = json.loads(user.done("droa", "list", "--json").stdout)
    assert [document["name"] for document in documents] == [f"fast-{n}" for n in (5, 4, 3, 2, 1)]
    assert documents[0] == user.server.models["model0000000005"]


def test_no_models(user: DroaUser) -> None:
    answer = user.done("droa", "list")
    assert answer.stdout == "" and "racer has no models at" in answer.stderr


def test_the_requests_are_shown_without_secrets(user: DroaUser) -> None:
    said = user.done("droa", "list").stderr
    assert f"GET {user.server.url}/prod/models -> 200" in said
    system = user.workspace.system_env
    system.write_text(system.read_text().replace("DR_DROA_DEBUG=1", ""))
    assert "GET" not in user.done("droa", "list").stderr


def test_by_name_or_id(user: DroaUser) -> None:
    user.server.add(model(1, "fast-1"), model(2, "twin"), model(3, "twin", "TRAINING"))
    for text in ("fast-1", "model0000000001"):
        assert "model0000000001" in user.done("droa", "show", text).stdout
    said = user.refused("droa", "show", "twin")
    assert "2 models are called twin" in said and "model0000000003 (TRAINING, 2026-11-03 18:59)" in said
    assert "Did you mean fast-1?" in user.refused("droa", "show", "fast1")
    assert "`dr droa list` lists the models" in user.refused("droa", "show", "zzz")


def test_show(user: DroaUser) -> None:
    user.server.add(model(1, "bad", "ERROR", importErrorMessage="Model validation failed"))
    answer = user.done("droa", "show", "bad")
    facts = dict(
        line.split(maxsplit=1) for line in answer.stdout.splitlines() if not line.startswith("import")
    )
    assert facts["status"] == "ERROR" and facts["batch_size"] == "64" and facts["size"] == "25.0 MB"
    assert "import failed                  Model validation failed" in answer.stdout
    assert "def reward_function" not in answer.stdout and "next: dr droa delete bad" in answer.stderr
    assert "def reward_function" in user.done("droa", "show", "-v", "bad").stdout
    assert json.loads(user.done("droa", "show", "bad", "--json").stdout)["name"] == "bad"


def test_delete(user: DroaUser) -> None:
    user.server.add(model(1, "old"), model(2, "busy", "TRAINING"), model(3, "bad", "ERROR"))
    assert user.dr("droa", "delete", "old", answer="n\n").exit_code == 1
    assert len(user.server.models) == 3
    answer = user.done("droa", "delete", "old", answer="y\n")
    assert (
        "Delete old (model0000000001), READY, from" in answer.stderr and "is being deleted" in answer.stdout
    )
    user.done("droa", "delete", "-f", "model0000000003")
    assert "busy (model0000000002) is TRAINING" in user.refused("droa", "delete", "-f", "busy")
    assert list(user.server.models) == ["model0000000002"]


SIGNATURE = f"The request signature does not match.\n\nx-amz-security-token:{SESSION_TOKEN}"


@pytest.mark.parametrize(
    ("status", "body", "shown"),
    [
        (400, {"message": "Bad id"}, "refused (400): Bad id"),
        (400, {"errorMessage": "Invalid request body: x"}, "refused (400): Invalid request body: x"),
        (403, {"Message": "User: arn:x is not authorized"}, "An administrator there can change"),
        (403, {"message": "Forbidden"}, "CategoryHttpLibrary and SignalNonBrowserUserAgent"),
        (403, {"message": "Signature expired: 2026"}, "Set the clock"),
        (403, {"message": "Missing Authentication Token"}, "check --api-endpoint"),
        (403, {"message": SIGNATURE}, "The request signature does not match.\n"),
        (404, {"message": "Not found."}, "refused (404): Not found."),
        (500, {"message": "The service ran into an error."}, "overloaded or failing (500): The service"),
        (429, {"message": "Too Many Requests"}, "overloaded or failing (429): Too Many Requests"),
        (502, "<html>", "overloaded or failing (502)."),
        (200, "<html>", "not JSON"),
    ],
)
def test_refusals(user: DroaUser, status: int, body: Any, shown: str) -> None:
    user.server.failures = [(status, body)]
    assert shown in user.refused("droa", "list")


def test_the_server_verifies_signatures(user: DroaUser) -> None:
    user.server.store = replace(user.server.store, secret_key="another")
    said = user.refused("droa", "list")
    assert "refused (403): The request signature does not match.\n" in said


def test_what_passes_is_tried_again(user: DroaUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PATIENCE_S", DEADLINE_S)
    user.server.add(model(1, "fast-1"))
    user.server.failures = [(429, {"message": "Too Many Requests"}), (503, "busy"), (500, {})]
    assert "fast-1" in user.done("droa", "list").stdout


def test_an_api_that_is_gone(user: DroaUser, free_port: int) -> None:
    words = ("--api-endpoint", f"http://127.0.0.1:{free_port}/prod")
    assert "not logged in" in user.refused("droa", "list", *words)  # another API is another deployment
    user.server.env_js = (200, user.server.website()[1].replace(f"{user.server.url}/prod", words[1]))
    user.log_in()
    assert "is unreachable" in user.refused("droa", "list")
