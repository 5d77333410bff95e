"""Batchone: an open industrial-internet platform for mass customization."""
