"""The launcher of local processes: one supervisor per run, and the run folder in which it keeps its records."""
