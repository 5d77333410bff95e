"""What belongs to machines: connect, history, twin, alarms and insight, each a domain of its own.

They meet in the shape of samples, `batchone.machines.columns`, and in `batchone.contracts.machines`; nothing else is shared.
"""
