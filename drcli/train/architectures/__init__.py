"""Network architectures, one file for each family, as listed in `drcli.tables.NETWORKS`."""
