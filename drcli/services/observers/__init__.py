"""Observers of a run: subscribers to its steps, episodes, updates, evaluations and checkpoints."""
