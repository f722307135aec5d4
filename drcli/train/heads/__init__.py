"""Policy heads: how a policy chooses among actions and what becomes of these; `drcli.tables.HEADS` names them."""
