"""Customers: who they are, what they allow, and by which ids we know them."""
