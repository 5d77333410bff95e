"""The embedded engines: real PostgreSQL and real NATS from pip wheels, started and stopped as children of ours."""
