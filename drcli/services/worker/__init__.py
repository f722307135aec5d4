"""A worker: drives cars by the trainer's policy, and tells it what happened."""
