"""One plant run in two ways on the same orders: to forecast and stock (push), and to order (pull).

`plant` turns a pack into arrays, `market` draws what customers wish and when, `line` is the plant as an event simulation in
compiled code, `material` the suppliers; `pull` and `push` are the two ways to run it, `outcome` what is read off either. All
times are whole seconds from a Monday, 00:00; chance follows from seeds alone, so both ways meet the same orders and breakdowns.
"""
