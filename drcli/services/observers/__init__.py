"""What looks at a run: subscribers of its steps, episodes, updates, evaluations and checkpoints."""
