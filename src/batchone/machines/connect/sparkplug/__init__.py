"""MQTT Sparkplug B: `metrics` says what payloads mean and keeps an edge node's session, `driver` how messages travel."""
