"""Export formats of checkpoints, as listed in `drcli.tables.EXPORTS`."""
