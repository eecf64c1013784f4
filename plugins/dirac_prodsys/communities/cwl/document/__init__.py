"""Reads documents of CWL, whole and checked: references, fields, types, validity, packing."""
