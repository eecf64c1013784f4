"""One room per community: all that its grid and its software have of their own.

Nobody imports a room of these: ``core/community.py`` finds it by name, so that it costs nothing
where it is not needed.
"""
