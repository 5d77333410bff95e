"""Notices that leave the platform: by e-mail to the customer, by webhook to a system that an administrator named.

A notice and its outgoing rows are stored in one transaction, by the handler of `promise.moved`; a row for a notice and a
channel exists once, however often the fact is handled. The postman sends what is due, and marks it afterwards: a process that
dies in between sends it again, under the same id (`Message-ID`, `webhook-id`), by which a receiver knows it. What cannot be
delivered is tried again with growing pauses and given up after some days; what a newer notice of the same order replaced is
not sent any more.
"""
