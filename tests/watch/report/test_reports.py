"""Reports and single pictures, from the commands to the page in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from drcli.cli import main
from drcli.watch.report.kinds import COMPARED, CURVES, KINDS, OFF_TRACK, TRACK

TRACES = Path(__file__).parents[4] / "shared" / "traces"
MOST_BYTES = 2_000_000

Dr = Callable[..., Result]


@pytest.fixture
def dr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dr:
    """Runs `dr` in a workspace with nothing in it."""
    for name in ("system.env", "run.env"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture
def page(dr: Dr, model_folder: Path, tmp_path: Path) -> Path:
    done = dr("report", model_folder)
    assert done.exit_code == 0, done.output
    path = Path(done.stdout.strip())
    assert path.parent == tmp_path / "data" / "reports"
    return path


class Outline(HTMLParser):
    """The headings of a page, the descriptions of its pictures, and its ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.pictures: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if values.get("role") == "img":
            self.pictures.append(values.get("aria-label") or "")
        if values.get("id"):
            self.ids.append(values["id"] or "")


def test_a_page_has_everything_in_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "http://" not in text and "https://" not in text and "<script" not in text
    assert {
        link[:1] for link in re.findall(r'(?:src|href)="([^"]+)', text) if not link.startswith("data:")
    } == {"#"}
    assert len(text) < MOST_BYTES
    assert "fast &amp; &lt;furious&gt;" in text and "<furious>" not in text


def test_a_page_can_be_read_without_seeing_it(page: Path) -> None:
    outline = Outline(page.read_text(encoding="utf-8"))
    assert outline.headings[0] == 1 and outline.headings.count(1) == 1
    lacking = {"learning", "speed"}  # the community's engine records neither losses nor speed
    assert len(outline.pictures) == len({**CURVES, **TRACK}) - len(lacking)
    assert all(len(alt) > 40 for alt in outline.pictures)
    assert "3 complete laps" in " ".join(outline.pictures)
    # matplotlib names equal paths equally; each refers to a path of its own content
    own = [name for name in outline.ids if name.startswith("part-")]
    assert len(own) == len(set(own))


def test_numbers_are_those_of_the_documents(dr: Dr, model_folder: Path) -> None:
    done = dr("report", "--json", model_folder)
    (model,) = json.loads(done.stdout)["models"]
    assert model["facts"]["track"] == "drcli_oval" and model["hyperparameters"]["batch_size"] == 64
    assert model["facts"]["training episodes"] == 6
    assert model["summary"]["training laps"] == 3
    (evaluation,) = model["evaluations"]
    assert [trial["resets"] for trial in evaluation["trials"]] == [2, 1]
    assert evaluation["trials"][0]["time_s"] == 14.5
    assert dr("report", "--json", "--open", model_folder).exit_code == 2


def test_models_are_compared(dr: Dr, model_folder: Path, tmp_path: Path) -> None:
    done = dr("report", model_folder, model_folder, "--html", tmp_path / "both.html")
    text = (tmp_path / "both.html").read_text(encoding="utf-8")
    assert done.exit_code == 0 and len(text) < MOST_BYTES
    for kind in COMPARED.values():
        assert kind.title in text


@pytest.mark.parametrize("kind", [name for name in KINDS if name not in ("learning", "speed")])
def test_every_kind_is_a_file(kind: str, dr: Dr, model_folder: Path, tmp_path: Path) -> None:
    done = dr("plot", kind, model_folder, "-o", tmp_path / "picture.svg")
    assert done.exit_code == 0, done.output
    assert ElementTree.parse(tmp_path / "picture.svg").getroot().tag.endswith("svg")


def test_a_picture_is_a_png_unless_its_name_says_otherwise(
    dr: Dr, model_folder: Path, tmp_path: Path
) -> None:
    assert dr("plot", "ends", model_folder).stdout.strip() == "ends.png"
    assert (tmp_path / "ends.png").read_bytes().startswith(b"\x89PNG")
    wrong = dr("plot", "ends", model_folder, "-o", "ends.jpg")
    assert wrong.exit_code == 2 and not (tmp_path / "ends.jpg").exists()


def test_what_cannot_be_drawn_is_said(dr: Dr, model_folder: Path, tmp_path: Path) -> None:
    none = dr("plot", "learning", model_folder)
    assert none.exit_code == 1 and "recorded no losses" in none.stderr
    assert not (tmp_path / "learning.png").exists()
    assert dr("plot", "lines", model_folder).exit_code == 2
    assert dr("plot").exit_code == 2
    two = dr("plot", "ends", model_folder, model_folder)
    assert two.exit_code == 2 and "shows one model" in two.stderr


def test_the_list_explains_every_kind(dr: Dr) -> None:
    lines = dr("plot", "--list").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(KINDS)
    assert set(OFF_TRACK) <= set(TRACK)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_finds_nothing_wrong(page: Path, browser: Any, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    asked: list[str] = []
    for width in (1280, 390):
        view = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        view.on("request", lambda request: asked.append(request.url))
        view.goto(page.as_uri())
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        result = axe.run(view)
        assert result.violations_count == 0, result.generate_report()
        view.close()
    assert {url for url in asked if not url.startswith("data:")} == {page.as_uri()}


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.skipif(not TRACES.is_dir(), reason="../shared/traces is missing")
@pytest.mark.parametrize("archive", sorted(TRACES.glob("*.tar.gz")), ids=lambda path: path.name)
def test_logs_of_other_engines(archive: Path, dr: Dr, tmp_path: Path) -> None:
    done = dr("report", archive, "--html", tmp_path / "page.html", "--set", "DR_TRACKS_URL=")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Average reward" in text and len(text) < MOST_BYTES
