"""Colour pictures of a scene on a track: what the live cameras, the viewer and videos show."""
