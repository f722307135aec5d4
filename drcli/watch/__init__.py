"""Views of a run: live progress, pictures of tracks and laps."""
