"""Ways to learn; `drcli.tables.ALGORITHMS` names them."""
