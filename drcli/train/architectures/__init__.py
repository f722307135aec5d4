"""Architectures of networks, one file each; `drcli.tables.NETWORKS` names them."""
