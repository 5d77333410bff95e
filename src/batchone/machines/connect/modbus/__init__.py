"""Modbus TCP: `registers` says what the registers mean, `driver` how they are polled and written."""
