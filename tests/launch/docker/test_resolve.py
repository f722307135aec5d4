"""Specs as Docker's own client resolves them, and what is shown of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drcli.errors import DrError
from drcli.launch import local_process
from drcli.launch.docker import resolve, stack_spec
from drcli.launch.docker.resolve import MASK, describe
from drcli.launch.docker.stack_spec import StackSpec

FILE = """
services:
  one:
    image: ${IMAGE}
    command: ["echo ${GREETING}"]
    environment:
      KEY:
      GREETING: ${GREETING}
      AWS_SECRET_ACCESS_KEY:
      NOT_GIVEN:
      URL: https://user:${KEY}@example.com/
"""
SECRET = "s3cr$t$$/with+signs="


@pytest.fixture
def compose_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of compose files of the test's own, its name with a space."""
    folder = tmp_path / "my files"
    folder.mkdir()
    (folder / "one.yml").write_text(FILE)
    monkeypatch.setattr(stack_spec, "compose_dir", lambda: folder)
    return folder


def spec(**changes: Any) -> StackSpec:
    variables = {"IMAGE": "one:1", "GREETING": "it costs $5, or $$6"}
    made = StackSpec("drtest-resolve", "compose", ("one.yml",), variables, {"one": 2}, {"KEY": SECRET})
    return replace(made, **changes)


@pytest.mark.docker
def test_values_come_out_as_they_went_in(compose_folder: Path) -> None:
    model = resolve.resolve(spec())
    service = model["services"]["one"]
    assert model["name"] == "drtest-resolve"
    assert service["image"] == "one:1"
    assert service["command"] == ["echo it costs $5, or $$6"]
    assert service["environment"]["GREETING"] == "it costs $5, or $$6"
    assert service["environment"]["KEY"] == SECRET
    assert service["environment"]["NOT_GIVEN"] is None


@pytest.mark.docker
def test_description_masks_secrets_by_name_and_by_value(
    compose_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-users-own-shell")
    shown = describe(spec())
    assert shown["project"] == "drtest-resolve"
    assert shown["style"] == "compose"
    assert shown["replicas"] == {"one": 2}
    assert shown["services"]["one"]["environment"] == {
        "KEY": MASK,
        "GREETING": "it costs $5, or $$6",
        "AWS_SECRET_ACCESS_KEY": MASK,
        "NOT_GIVEN": None,
        "URL": f"https://user:{MASK}@example.com/",
    }


@pytest.mark.docker
def test_a_short_secret_does_not_blot_out_other_words(compose_folder: Path) -> None:
    shown = describe(spec(secrets={"KEY": "one"}))["services"]["one"]
    assert shown["image"] == "one:1"
    assert shown["environment"]["KEY"] == MASK


@pytest.mark.docker
def test_no_secret_on_a_command_line_or_in_a_repr(
    compose_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Sequence[str]] = []
    run: Callable[..., local_process.Finished] = local_process.run

    def watched(command: Sequence[str], *rest: Any) -> local_process.Finished:
        seen.append(command)
        return run(command, *rest)

    monkeypatch.setattr(local_process, "run", watched)
    describe(spec())
    assert len(seen) == 1
    assert SECRET not in str(seen)
    assert SECRET not in repr(spec())
    assert SECRET not in json.dumps(spec().to_document())


def test_document_and_back() -> None:
    document = json.loads(json.dumps(spec().to_document()))
    assert StackSpec.from_document(document, {"KEY": SECRET, "OTHER": "x"}) == spec()
    assert StackSpec.from_document(document, {}).secrets == {}


@pytest.mark.docker
def test_refused_files_are_explained_without_secrets(compose_folder: Path) -> None:
    (compose_folder / "one.yml").write_text("services: {one: {image: x, ports: ['${KEY}']}}")
    with pytest.raises(DrError) as caught:
        resolve.resolve(spec(secrets={"KEY": "secret-port"}))
    assert "rejects the stack drtest-resolve" in caught.value.message
    assert "secret-port" not in str(caught.value)


def test_without_docker_it_is_said(
    compose_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DrError, match="Docker is not installed"):
        describe(spec())


def test_without_compose_it_is_said(
    compose_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho \"unknown shorthand flag: 'f' in -f\" >&2\nexit 125\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DrError, match="Docker's `compose` plugin is not installed"):
        describe(spec())
