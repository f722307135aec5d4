"""The panels of recorded drives in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import uvicorn
from polling import until
from ports import free_port
from recorded_drives_in_bucket import STAMP, drive
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from drcli.store.simtrace import format_csv
from drcli.watch.viewer import routes_recordings, viewer_app
from drcli.watch.viewer.viewer_context import ViewerContext

PAGE = """<!doctype html><html lang="en"><title>A panel</title><main></main>
<script src="/static/vendor/uPlot.iife.min.js"></script>
<script type="module">
import {{ mount }} from "/static/panels/{panel}.js";
const on = (name, listener) => {{ window.news = listener; return () => {{}}; }};
mount(document.querySelector("main"), {{ model: "m", models: ["m"], on }});
</script></html>"""


@pytest.fixture
def address(recorded: ViewerContext) -> Iterator[str]:
    """A server that shows one panel at each address."""

    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(PAGE.format(panel=request.path_params["panel"]))

    static = Mount("/static", StaticFiles(directory=viewer_app.STATIC))
    app = Starlette(routes=[Route("/{panel}", page), static, *routes_recordings.routes(recorded)])
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page in which no script may fail."""
    page, errors = browser.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


@pytest.mark.slow
def test_an_episode_is_replayed_by_keyboard(address: str, page: Any) -> None:
    page.goto(f"{address}/episodes")
    page.click("button.open >> text=0-0-1")
    page.wait_for_selector("img.picture")
    assert "Step 1 of" in page.inner_text(".step")
    before = page.evaluate("document.querySelector('canvas').toDataURL()")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.step').textContent.includes('Step 2 of')")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('.step').textContent.includes('off track')")
    assert page.evaluate("document.querySelector('canvas').toDataURL()") != before
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('.step').textContent.includes('Step 1 of')")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("panel", "words"),
    [
        ("track", "1 complete lap:"),
        ("evaluations", "checkpoint 2_Step-8.ckpt"),
        ("compare", "Best evaluation in training"),
        ("compare", "Evaluations, the best first"),
    ],
)
def test_a_panel_says_what_was_recorded(address: str, page: Any, panel: str, words: str) -> None:
    page.goto(f"{address}/{panel}")
    page.wait_for_selector(f"text={words}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("panel", "before", "after"),
    [("episodes", "2 episodes", "1 episode"), ("track", "1 off track", "none but")],
)
def test_drives_of_an_evaluation_are_chosen(
    address: str, page: Any, panel: str, before: str, after: str
) -> None:
    page.goto(f"{address}/{panel}")
    if panel == "track":
        page.select_option("select:not(.drives)", "ends")
    page.wait_for_selector(f"text={before}")
    page.select_option("select.drives", STAMP)
    page.wait_for_selector(f"text={after}")


@pytest.mark.slow
def test_a_panel_shows_what_is_recorded_while_it_is_open(
    address: str, page: Any, recorded: ViewerContext
) -> None:
    page.goto(f"{address}/episodes")
    page.wait_for_selector("text=2 episodes")
    recorded.bucket().put("m/training-simtrace/1-iteration.csv", format_csv(drive(2, 0.2, "off_track")))
    page.evaluate("window.news()")
    page.wait_for_selector("text=3 episodes")
