"""Erasure: what is asked is carried out, purged and certified, step by step."""
