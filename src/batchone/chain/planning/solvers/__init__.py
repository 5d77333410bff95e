"""Searches that use a solver library; the library is imported nowhere else. Each takes a schedule and gives a better one."""
