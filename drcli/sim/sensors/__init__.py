"""Sensors: what a driver sees of the world. Members of `drcli.tables.SENSORS`."""
