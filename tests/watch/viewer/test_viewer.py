"""The viewer of a real training, in a real browser; started and stopped as a user does."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from ports import free_port
from racing import ENDLESS, Racer

from drcli.watch.viewer import viewer_process

PANELS = ("Now", "Curves", "Track", "Episodes", "Evaluations", "Compare", "Checkpoints", "Logs")
PATIENCE_MS = 300_000

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Watched:
    """A training that does not end by itself, and the address of its viewer."""

    racer: Racer
    address: str


@pytest.fixture(scope="module")
def watched(new_racer: Callable[[], Racer]) -> Iterator[Watched]:
    racer, port = new_racer(), free_port()
    racer.write_hyperparameters(ENDLESS)
    racer.write_run_env(DR_WEBVIEWER_PORT=str(port), DR_TRAIN_STOP_PROGRESS="")
    started = racer.dr("start-training", "-q", "-v")
    assert started.returncode == 0, started.stderr
    address = f"http://127.0.0.1:{port}/"
    assert f"Watch it in the browser: {address}" in started.stderr
    assert json.loads(racer.dr("status", "--json").stdout)["viewer"] == address
    yield Watched(racer, address)
    racer.dr("stop-all")
    assert viewer_process.find(racer.workspace) is None


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page in which no script may fail, and whose policy nothing may violate."""
    page, errors = browser.new_page(viewport={"width": 1280, "height": 800}), []
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None
    )
    yield page
    page.close()
    assert errors == []


def points(page: Any) -> int:
    label = page.wait_for_selector("#graph-reward canvas").evaluate(
        "canvas => canvas.closest('[role=img]').ariaLabel"
    )
    return int(label.partition(": ")[2].partition(" points")[0])


def test_graphs_grow_and_a_restart_is_followed(watched: Watched, page: Any) -> None:
    page.goto(f"{watched.address}#panel=curves")
    before = points(page)
    grown = "before => +document.getElementById('graph-reward').ariaLabel.match(/: (\\d+)/)[1] > before"
    page.wait_for_function(grown, arg=before)
    assert watched.racer.invoke("stop-training").exit_code == 0
    page.wait_for_selector("#state >> text=ended")
    assert "ended" in page.inner_text("#news")
    before = points(page)
    assert watched.racer.dr("start-training", "--resume", "-q").returncode == 0
    page.wait_for_selector("#state >> text=training")
    page.wait_for_function(grown, arg=before)


def test_pictures_move(watched: Watched, page: Any) -> None:
    page.goto(f"{watched.address}?width=160&height=120#panel=now")
    for view in ("camera", "behind", "above"):
        canvas = f"canvas[data-place$=' {view}']"
        page.wait_for_selector(canvas)
        before = page.eval_on_selector(canvas, "canvas => canvas.toDataURL()")
        page.wait_for_function(
            "([canvas, before]) => document.querySelector(canvas).toDataURL() !== before",
            arg=[canvas, before],
        )
    page.wait_for_selector("text=What the network would do >> nth=0")


def test_tabs_by_keyboard(watched: Watched, page: Any) -> None:
    page.goto(watched.address)
    page.focus("[role=tab][aria-selected=true]")
    names = []
    for _ in PANELS:
        names.append(page.inner_text("[role=tab][aria-selected=true]"))
        page.keyboard.press("ArrowRight")
    assert tuple(names) == PANELS
    page.keyboard.press("End")
    assert page.inner_text(":focus") == "Logs"
    assert "panel=logs" in page.url
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "panel"


def test_logs_follow(watched: Watched, page: Any) -> None:
    page.goto(f"{watched.address}#panel=logs")
    page.wait_for_function("() => document.querySelector('.log')?.textContent.split('\\n').length > 3")
    assert page.input_value(".controls select").endswith("sagemaker")


def test_commands_of_checkpoints_are_copied(watched: Watched, page: Any) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{watched.address}#panel=checkpoints")
    page.click("[aria-label^='Copy the command: Evaluate'] >> nth=0")
    page.wait_for_selector("button >> text=Copied")
    command = page.evaluate("navigator.clipboard.readText()")
    assert command.startswith("dr evaluate --checkpoint ")
    assert command.endswith("DR_LOCAL_S3_MODEL_PREFIX=model")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("panel", PANELS)
def test_everybody_can_use_it(watched: Watched, browser: Any, scheme: str, panel: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.goto(f"{watched.address}#panel={panel.lower()}")
    page.wait_for_selector(".summary")
    page.wait_for_selector("#panel > div > *")
    found = axe.run(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert [violation["id"] for violation in found.response["violations"]] == []
    assert width <= 390, "a phone would have to scroll sideways"


def test_it_is_started_once_and_tells_no_secrets(watched: Watched) -> None:
    again = watched.racer.invoke("start-viewer", "--json", "-q", "50")
    assert json.loads(again.stdout)["addresses"] == [f"{watched.address}?quality=50"]
    assert watched.racer.invoke("start-viewer", "-p", "1").exit_code == 2
    key = json.loads(watched.racer.workspace.store_key.read_text())
    running = viewer_process.find(watched.racer.workspace)
    assert running is not None
    assert not any(str(secret) in " ".join(psutil.Process(running.pid).cmdline()) for secret in key.values())
    state = watched.racer.workspace.data / "viewer.json"
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


def test_elsewhere_it_wants_its_token(new_racer: Callable[[], Racer]) -> None:
    racer, port = new_racer(), free_port()
    started = racer.invoke("start-viewer", "--host", "0.0.0.0", "-p", str(port), "--json")
    try:
        assert started.exit_code == 0, started.output
        running = viewer_process.find(racer.workspace)
        assert running is not None
        token = running.token
        assert len(token) >= 32
        assert all(address.endswith(f"?token={token}") for address in json.loads(started.stdout)["addresses"])
        assert token not in " ".join(psutil.Process(running.pid).cmdline())
        assert racer.invoke("start-viewer", "--host", "127.0.0.1").exit_code == 2
        other = new_racer()
        taken = other.invoke("start-viewer", "--host", "0.0.0.0", "-p", str(port))
        assert taken.exit_code == 1
        assert "DR_WEBVIEWER_PORT" in taken.stderr
    finally:
        stopped = racer.invoke("stop-viewer")
    assert "The viewer has stopped." in stopped.stdout
    assert "The viewer was not running." in racer.invoke("stop-viewer").stdout
    assert token not in (racer.workspace.logs / "viewer.log").read_text()
