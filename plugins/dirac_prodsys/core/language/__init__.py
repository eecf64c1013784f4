"""What the native form says once and means many times, written out before a production is read.

In this order, each a function of trees whose every value knows its file, line and column::

    located      the tree, and how one is laid over another
    beside       ``extends`` and lists of files: what stands in other files of the folder
    parameters   values that a run chooses
    shared       ``common`` and ``defaults``
    matrix       one step, many branches
    resolved     the text of what came of the first of these

Invariant: nothing here knows what a key means to DIRAC; what comes out is a file that the user
could have written in full, and its mistakes are told where the user wrote them.
"""
