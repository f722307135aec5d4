"""Policy heads, one per kind of action space, as listed in `drcli.tables.HEADS`."""
