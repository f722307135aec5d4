"""Race types: what is on the road, what is a fault, and what it costs. Members of `drcli.tables.RACES`."""
