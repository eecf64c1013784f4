"""Makes what the production page shows, as values that a browser only draws.

::

    answers/   the JSON of each route, as models

Invariant: pure. Words, colours and numbers are decided here and tested without a browser.
"""
