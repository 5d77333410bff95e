"""Plain MQTT: whatever gateways and small devices publish, as numbers or as JSON."""
