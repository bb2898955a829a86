"""What happens in a shop's life with its customers: facts, and who may decide on them."""
