"""What a checkpoint can be turned into; `drcli.tables.EXPORTS` names them."""
