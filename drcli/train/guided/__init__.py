"""Guided training: a small teacher that knows the road shows the camera's network what to do."""
