"""What recordings say about a model: pure functions from recorded episodes to small frozen records."""
