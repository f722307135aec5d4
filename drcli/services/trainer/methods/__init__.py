"""Methods of training, the members of `drcli.tables.METHODS`: what a run does between its start and its end."""
