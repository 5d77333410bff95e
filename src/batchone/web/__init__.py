"""The pages: everything that a person sees in a browser.

The web reads every domain only through the protocols in `batchone.contracts` and says nothing on the bus; it mounts the
domains' own routes beside its pages. Pages are rendered on the server (Jinja templates, view models in `views/`), live parts
come over one event stream a page (`live.py`), and a chart, a Gantt and little else is script (`static/`). It stores nothing
but cookies, decides nothing about orders, plans or machines, and names no product: product words come from sector packs.
"""
