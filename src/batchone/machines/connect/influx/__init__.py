"""InfluxDB line protocol, pushed over HTTP: Telegraf and whatever else writes it."""
