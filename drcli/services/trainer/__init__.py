"""The trainer: hands out work, learns from what comes back, and says when the run is over."""
