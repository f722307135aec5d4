"""What people look at: live progress, pictures of tracks and laps."""
