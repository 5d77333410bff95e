"""An emulated plant that speaks real protocols.

For whoever writes or tests software that talks to machines and has none at hand: it reads a pack's folder (equipment,
signals, routing, checks) and opens the servers that this equipment would open: OPC UA, Modbus TCP, MQTT Sparkplug B.
Machines accept job orders, run them by the pack's laws, measure, break down, and can be told to misbehave.
What it speaks is written in `docs/guides/plant-protocols.md`, how to use it in `docs/guides/plantsim.md`.
It shares no code with the platform, so that each proves the other's reading of that page.
"""
