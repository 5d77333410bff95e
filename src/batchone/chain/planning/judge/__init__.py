"""The parts of the judge of plans, each with arithmetic of its own: only the frozen types of `model` are shared with what
makes plans. `validator` puts them together.
"""
