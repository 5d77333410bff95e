"""Problems and plans as files: read, written, and told apart.

| format | holds | module |
|---|---|---|
| `json` | a problem or a plan, complete | `native` |
| `fjsp`, `jsp` | job shops of the literature | `fjsp`, `jsp` |
| `sdst-pfsp`, `hfsp`, `tt-pfsp` | flow shops of the literature | `flow` |
| `b2mml` | an operations schedule of ISA-95 (B2MML 7) | `b2mml` |
| | a plan as a table; the work of one resource as a calendar | `table`, `ical` |
"""

from batchone.chain.planning.files.formats import Format, guess, load, parse

__all__ = ["Format", "guess", "load", "parse"]
