"""Pictures before the painter is compiled, and after."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable

import numpy as np
import pytest
from live_worker import driven
from PIL import Image
from polling import until

from drcli.config.race_settings import RaceSettings
from drcli.services.observers.observer import ObservedRun
from drcli.sim.catalogue import load_track
from drcli.sim.world import World
from drcli.watch.cameras.channels import Channels
from drcli.watch.cameras.feed_socket import FeedSender
from drcli.watch.cameras.live_states import LiveStates
from drcli.watch.cameras.network_view import NetworkView
from drcli.watch.cameras.race_looks import RaceLooks
from drcli.watch.cameras.snapshot import snapshot
from drcli.watch.cameras.studio import Studio
from drcli.watch.cameras.topics import PictureSpec

pytestmark = pytest.mark.slow  # compiles or loads the painter
SPEC = PictureSpec("behind", 160, 120)


def is_coloured(jpeg: bytes) -> bool:
    colours = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"), int)
    return bool((np.ptp(colours, axis=-1) > 50).mean() > 0.05)


def test_whoever_looks_early_is_told_and_then_sees(observed: Callable[..., ObservedRun]) -> None:
    environment = observed().environment
    world = World(load_track("drcli_oval", None, ""), RaceSettings(), 1)
    state = snapshot(driven(world, world.reset()), 0, 0)
    feed = FeedSender()
    try:
        states = LiveStates(feed.endpoint, feed.public_key, RaceLooks())
        studio = Studio(environment, NetworkView(environment))
        channels = Channels(states, studio)

        def arrived() -> bool:
            states.newest()
            if feed.is_wanted:
                feed.send(state.pack())
            return states.newest()[1] is not None

        until(arrived)
        assert not studio.can_draw
        assert not is_coloured(asyncio.run(channels.first(SPEC, 0.1)))
        studio.prepare()
        assert is_coloured(asyncio.run(channels.first(SPEC, 0.1)))  # of the same state
    finally:
        feed.close()
