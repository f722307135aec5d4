"""The params document of a model as an import needs it: the track without its direction, which is a value of its own.

Pure. Source: ImportHelper.getTrackConfig of github.com/aws-solutions/deepracer-on-aws.
"""

from __future__ import annotations

from drcli.models.console_tracks import TRACKS

_DIRECTION = "TRACK_DIRECTION_CLOCKWISE"
_IS_CLOCKWISE = {"_cw": True, "_ccw": False}


def for_import(document: bytes, *, is_reversed: bool = False) -> bytes:
    """`document` with WORLD_NAME and TRACK_DIRECTION_CLOCKWISE as the import reads them; unchanged if that is so.

    is_reversed: the training drove against the direction in the name.
    """
    import yaml

    values = yaml.safe_load(document)
    world = str(values.get("WORLD_NAME", ""))
    ending = next((ending for ending in _IS_CLOCKWISE if world.endswith(ending)), "")
    bare = world.removesuffix(ending)
    if not ending or world in TRACKS or bare not in TRACKS:
        return document
    changed = values | {"WORLD_NAME": bare, _DIRECTION: _IS_CLOCKWISE[ending] != is_reversed}
    text: str = yaml.safe_dump(changed, default_flow_style=False, explicit_start=True)
    return text.encode()
