"""Writes out the short forms of the native form before a production is read.

In this order, each a function of trees in which every value knows its file, line and column::

    located      the tree, and how one is laid over another
    other_files  ``extends`` and lists of files: the contents of other files of the folder
    parameters   values that a run chooses
    shared       ``common`` and ``defaults``
    matrix       one step, many branches

Invariant: nothing here knows what a key means to DIRAC; the result is a file that the user could
have written in full, and its mistakes are reported where the user wrote them.
"""
