"""What a reward function pays: checked on real states, ranked by laps, drawn over the track. Used by `dr reward`."""
