"""The parts of domain randomisation that DR_RANDOMIZE names. docs/simulator.md says what each of them varies."""

from __future__ import annotations

from drcli.errors import UsageError

PICTURE_PARTS = ("camera", "ground", "walls", "lights", "exposure", "blur")
ALL_PARTS = ",".join(PICTURE_PARTS)


def randomised_parts(text: str) -> tuple[str, ...]:
    """The parts that a text names, separated by commas.

    Raises:
        UsageError: one of them is unknown.
    """
    names = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in PICTURE_PARTS]
    if unknown:
        raise UsageError(f"RANDOMIZE names {unknown[0]!r}.", f"The parts are {', '.join(PICTURE_PARTS)}.")
    return names
