"""OPC UA: `nodes` says what a server's nodes mean, `publications` reads what it publishes, `driver` listens and calls."""
