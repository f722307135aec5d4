"""Training algorithms, as listed in `drcli.tables.ALGORITHMS`."""
