"""Activity: what customers do on the shop's pages and in its apps; nobody decides on it."""
