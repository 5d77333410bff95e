"""OPC UA: `nodes` says what a server's nodes mean, `driver` how they are listened to and called."""
