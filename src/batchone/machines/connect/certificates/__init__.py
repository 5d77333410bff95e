"""Certificates of servers that our drivers meet, judged by engineers; our own; and secrets that settings name."""
