"""Tickets: what customers ask and complain about, and what came of it."""
