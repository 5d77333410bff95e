"""Siemens S7 controllers, read over ISO-on-TCP."""
