"""Network architectures, one file each, as listed in `drcli.tables.NETWORKS`."""
