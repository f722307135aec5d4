"""Learning: networks, PPO, checkpoints. The only room that imports torch."""
