"""What other people's monitoring is told of a run: Telegraf, Prometheus, TensorBoard. Off unless a setting asks."""
