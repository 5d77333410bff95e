"""What joins enterprises to one another and to the people who act for them.

`enterprises` knows who may do what. Rooms for scenarios, the market and identifiers come when there is something in them.
"""
