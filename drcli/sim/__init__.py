"""The world: track, car, camera, race rules, reward. NumPy and numba; no torch, no bucket."""
