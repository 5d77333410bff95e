"""Connections that engineers declare beside those of packs: as numbered text, and as wirings of their protocols."""
