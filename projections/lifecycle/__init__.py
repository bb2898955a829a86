"""The lifecycle view: which stage and tier every customer is in, was in, and will be in."""
