"""Sensors: how a driver sees the world. Members of `drcli.tables.SENSORS`."""
