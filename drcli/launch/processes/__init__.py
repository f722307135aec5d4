"""The launcher of local processes: a supervisor per run, and the run folder in which it keeps book."""
