"""The customer's story: what happened, in order, told in words when it is read."""
