"""`dr start-viewer`: show runs and models in the browser."""

from __future__ import annotations

import click

from drcli.cli import options, present
from drcli.errors import UsageError


@click.command("start-viewer")
@click.option(
    "-p", "--port", type=click.IntRange(1, 65535), help="Default: DR_WEBVIEWER_PORT plus the run id."
)
@click.option("--host", default="", metavar="ADDRESS", help="Listen there instead of on this machine only.")
@click.option("-t", "--topic", metavar="TOPIC", help="The picture to show first, as a ROS topic.")
@click.option("-w", "--width", type=click.IntRange(80, 1920), help="Width of pictures in pixels.")
@click.option("--height", type=click.IntRange(60, 1440), help="Height of pictures in pixels.")
@click.option("-q", "--quality", type=click.IntRange(1, 100), help="Quality of pictures (JPEG), 1 to 100.")
@click.option("-b", "--browser", metavar="NAME", help="Open the page in this browser, such as firefox.")
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as JSON.")
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    port: int | None,
    host: str,
    topic: str | None,
    width: int | None,
    height: int | None,
    quality: int | None,
    browser: str | None,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Serve a page that shows all runs and models of the workspace, live; print its address.

    It follows restarts and new runs by itself until `dr stop-viewer` or `dr stop-all`. Without --host only programs on
    this machine reach it; with it, the address contains a token, and whoever has the whole address may look.

    \b
      dr start-viewer
      dr start-viewer -b firefox
      dr start-viewer --host 0.0.0.0 -p 8200      # for others in your network
    """
    from drcli.watch.viewer import viewer_process

    workspace, settings = options.load(experiment, overrides)
    view = {"topic": topic, "width": width, "height": height, "quality": quality}
    viewer = viewer_process.start(workspace, settings, overrides, host, port)
    addresses = viewer.addresses({name: value for name, value in view.items() if value is not None})
    if as_json:
        present.as_json({"addresses": addresses, "host": viewer.host, "port": viewer.port, "pid": viewer.pid})
    else:
        for address in addresses:
            present.result(address)
    if browser:
        _open(browser, addresses[0])
    present.next_step("dr stop-viewer", "stop it; the run goes on")


def _open(browser: str, address: str) -> None:
    import webbrowser

    try:
        webbrowser.get(browser).open(address)
    except webbrowser.Error:
        raise UsageError(f"There is no browser {browser} here.", f"Open {address} yourself.") from None
